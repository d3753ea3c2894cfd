//! Who a code goes to: a telephone number or an e-mail address, parsed once at the edge.
//!
//! The raw check comes before the number library, which is generous: it takes zero-width marks, Arabic digits and
//! letters as if they were the plain number. Whatever prints is masked, and no error repeats the input.

use std::fmt;

use email_address::{EmailAddress as ParsedEmail, Options};
use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneNumber as ParsedNumber, PhoneNumberFormat, PhoneNumberType,
    Region as NumberRegion,
};
use unicode_security::MixedScript;

/// Why a recipient was refused. Never holds the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipient {
    /// Not E.164, and no default region to read a national form by.
    #[error("write the number in international form: + and 8 to 15 digits")]
    NotInternational,
    /// Something other than ASCII digits and the usual separators.
    #[error("a number may hold only digits, spaces, hyphens, dots and parentheses after its +")]
    StrayCharacters,
    /// The digits are not a number that exists in any numbering plan.
    #[error("this is not a valid telephone number")]
    NoSuchNumber,
    /// Premium rate, shared cost, pager, voicemail, universal access or satellite: never a person's telephone.
    #[error("codes are not sent to numbers of this kind")]
    RefusedKind,
    /// Not one plain address.
    #[error("this is not a valid e-mail address")]
    NotAnEmailAddress,
    /// Letters of several scripts in one domain name, as in look-alike domains.
    #[error("the domain mixes letters of several scripts")]
    MixedScripts,
}

/// A region of the world's numbering plans: ISO 3166 letters such as `IN`, and not a calling code: +1 876 is `JM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

impl Region {
    /// Reads two ASCII letters.
    pub fn parse(text: &str) -> Option<Self> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }

    /// Whether some telephone numbers belong to it; `UK` and `ZZ` are well formed, and no region.
    pub fn has_numbers(self) -> bool {
        number_region(self)
            .is_some_and(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A telephone number in E.164 form, such as `+14155550123`.
#[derive(Clone)]
pub struct PhoneNumber {
    e164: String,
    /// Known since it was parsed; a number that comes back from rest is looked at again when somebody asks.
    plan: Option<NumberingPlan>,
}

/// Where in the world's numbering plans a number lies.
#[derive(Debug, Clone, Copy)]
struct NumberingPlan {
    country_code: i32,
    region: Option<Region>,
}

impl NumberingPlan {
    fn of(number: &ParsedNumber) -> Self {
        let region =
            number.get_region_code().and_then(|region| Region::parse(region.as_region_str().as_str()));
        Self { country_code: number.country_code, region }
    }
}

/// What is known about a number follows from the number.
impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.e164 == other.e164
    }
}
impl Eq for PhoneNumber {}
impl std::hash::Hash for PhoneNumber {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.e164.hash(state);
    }
}

impl PhoneNumber {
    /// Reads what a person or a program wrote.
    ///
    /// Takes `+` and 8 to 15 ASCII digits with the usual separators between them. With `default_region` also that
    /// region's national form.
    ///
    /// # Errors
    /// Says what was wrong, never what was written.
    pub fn parse(text: &str, default_region: Option<Region>) -> Result<Self, InvalidRecipient> {
        let text = text.trim_matches(' ');
        let (international, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if !rest.bytes().all(|byte| byte.is_ascii_digit() || b" -.()".contains(&byte)) {
            return Err(InvalidRecipient::StrayCharacters);
        }
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        let region = match (international, default_region) {
            (true, _) => None,
            (false, Some(region)) => Some(number_region(region).ok_or(InvalidRecipient::NotInternational)?),
            (false, None) => return Err(InvalidRecipient::NotInternational),
        };
        let lengths = if international { 8..=15 } else { 4..=15 };
        if !lengths.contains(&digits.len()) {
            return Err(InvalidRecipient::NoSuchNumber);
        }
        let plain = if international { format!("+{digits}") } else { digits };
        let number = PHONE_NUMBER_UTIL.parse(&plain, region).map_err(|_| InvalidRecipient::NoSuchNumber)?;
        if refused_country_code(number.country_code) {
            return Err(InvalidRecipient::RefusedKind);
        }
        // A number has a type exactly if it is valid.
        match number.get_type() {
            PhoneNumberType::Unknown => Err(InvalidRecipient::NoSuchNumber),
            PhoneNumberType::PremiumRate
            | PhoneNumberType::SharedCost
            | PhoneNumberType::UAN
            | PhoneNumberType::Pager
            | PhoneNumberType::VoiceMail => Err(InvalidRecipient::RefusedKind),
            PhoneNumberType::FixedLine
            | PhoneNumberType::Mobile
            | PhoneNumberType::FixedLineOrMobile
            | PhoneNumberType::TollFree
            | PhoneNumberType::VoIP
            | PhoneNumberType::PersonalNumber => {
                let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
                Ok(Self { e164, plan: Some(NumberingPlan::of(&number)) })
            }
        }
    }

    /// The number in E.164 form. An explicit call: what comes back must not reach a log.
    pub fn expose(&self) -> &str {
        &self.e164
    }

    /// The numbering region, `None` if the metadata no longer knows it.
    pub fn region(&self) -> Option<Region> {
        self.plan()?.region
    }

    /// `+91••••••••10`: the country code and the last two digits.
    pub fn masked(&self) -> String {
        let prefix = self.plan().map_or_else(|| "+".to_owned(), |plan| format!("+{}", plan.country_code));
        let hidden = self.e164.len().saturating_sub(prefix.len() + 2);
        format!("{prefix}{}{}", "•".repeat(hidden), &self.e164[self.e164.len().saturating_sub(2)..])
    }

    /// One spelling for numbers that have two valid ones, so that both share one bucket: Argentina with and without
    /// 9, Mexico with the old 1.
    fn limit_key(&self) -> String {
        for (prefix, plain, digits) in [("+549", "+54", 10), ("+521", "+52", 10)] {
            if let Some(rest) = self.e164.strip_prefix(prefix)
                && rest.len() == digits
            {
                return format!("{plain}{rest}");
            }
        }
        self.e164.clone()
    }

    fn plan(&self) -> Option<NumberingPlan> {
        self.plan.or_else(|| {
            PHONE_NUMBER_UTIL.parse(&self.e164, None).ok().map(|number| NumberingPlan::of(&number))
        })
    }
}

/// Ranges of no country: shared cost, satellite, universal and premium services.
fn refused_country_code(code: i32) -> bool {
    matches!(code, 808 | 870 | 878 | 881 | 882 | 883 | 888 | 979)
}

fn number_region(region: Region) -> Option<NumberRegion> {
    NumberRegion::try_from(region.as_str()).ok()
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An e-mail address with its domain in lower-case ASCII (punycode), such as `asha@example.com`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// RFC 5321, 4.5.3.1.3: a path of 256 octets less its angle brackets.
const MAX_EMAIL: usize = 254;

impl EmailAddress {
    /// Reads one plain address: no display name, no quoted local part, no address literal.
    ///
    /// # Errors
    /// Says what was wrong, never what was written.
    pub fn parse(text: &str) -> Result<Self, InvalidRecipient> {
        let text = text.trim_matches(' ');
        if text.len() > MAX_EMAIL || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '"') {
            return Err(InvalidRecipient::NotAnEmailAddress);
        }
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        let parsed = ParsedEmail::parse_with_options(text, options)
            .map_err(|_| InvalidRecipient::NotAnEmailAddress)?;
        if !parsed.local_part().is_ascii() {
            return Err(InvalidRecipient::NotAnEmailAddress);
        }
        let domain =
            idna::domain_to_ascii_strict(parsed.domain()).map_err(|_| InvalidRecipient::NotAnEmailAddress)?;
        let (shown, _) = idna::domain_to_unicode(&domain);
        if shown.split('.').any(|label| !label.is_single_script()) {
            return Err(InvalidRecipient::MixedScripts);
        }
        let address = format!("{}@{domain}", parsed.local_part());
        if address.len() > MAX_EMAIL { Err(InvalidRecipient::NotAnEmailAddress) } else { Ok(Self(address)) }
    }

    /// The address. An explicit call: what comes back must not reach a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `a•••@e•••.com`.
    pub fn masked(&self) -> String {
        let (local, domain) = self.parts();
        let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        let tld = domain.rsplit('.').next().unwrap_or_default();
        format!("{}•••@{}•••.{tld}", first(local), first(domain))
    }

    /// Lower case and without a plus tag, so that spelling variants share one bucket.
    fn limit_key(&self) -> String {
        let (local, domain) = self.parts();
        let untagged = local.split('+').next().filter(|name| !name.is_empty()).unwrap_or(local);
        format!("{}@{domain}", untagged.to_ascii_lowercase())
    }

    fn parts(&self) -> (&str, &str) {
        self.0.rsplit_once('@').unwrap_or((&self.0, ""))
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who a code goes to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A telephone number.
    Phone(PhoneNumber),
    /// An e-mail address.
    Email(EmailAddress),
}

impl Recipient {
    /// Reads a number or an address; whatever holds an `@` is an address.
    ///
    /// # Errors
    /// Says what was wrong, never what was written.
    pub fn parse(text: &str, default_region: Option<Region>) -> Result<Self, InvalidRecipient> {
        if text.contains('@') {
            EmailAddress::parse(text).map(Self::Email)
        } else {
            PhoneNumber::parse(text, default_region).map(Self::Phone)
        }
    }

    /// Takes back a recipient that [`Recipient::expose`] gave out and that was sealed at rest since.
    pub fn restore(text: String) -> Self {
        if text.contains('@') {
            Self::Email(EmailAddress(text))
        } else {
            Self::Phone(PhoneNumber { e164: text, plan: None })
        }
    }

    /// The raw text. An explicit call: what comes back must not reach a log.
    pub fn expose(&self) -> &str {
        match self {
            Self::Phone(number) => number.expose(),
            Self::Email(address) => address.expose(),
        }
    }

    /// The form for people to read.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(number) => number.masked(),
            Self::Email(address) => address.masked(),
        }
    }

    /// The form that a user's address is found by: the mailbox as it is, tag and all, whatever case it is written in; a
    /// number in one spelling.
    pub fn identity(&self) -> String {
        match self {
            Self::Phone(number) => number.limit_key(),
            Self::Email(address) => {
                let (local, domain) = address.parts();
                format!("{}@{domain}", local.to_ascii_lowercase())
            }
        }
    }

    /// The form that limits and look-ups are keyed by: one for all spellings of one recipient.
    pub fn limit_key(&self) -> String {
        match self {
            Self::Phone(number) => number.limit_key(),
            Self::Email(address) => address.limit_key(),
        }
    }

    /// Whether both name one telephone or one mailbox, however it is spelled. Stricter than [`Recipient::limit_key`]:
    /// an address with a plus tag may be somebody else's.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Phone(one), Self::Phone(two)) => one.limit_key() == two.limit_key(),
            (Self::Email(one), Self::Email(two)) => one.0.eq_ignore_ascii_case(&two.0),
            (Self::Phone(_), Self::Email(_)) | (Self::Email(_), Self::Phone(_)) => false,
        }
    }

    /// The numbering region of a telephone number.
    pub fn region(&self) -> Option<Region> {
        match self {
            Self::Phone(number) => number.region(),
            Self::Email(_) => None,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> Result<String, InvalidRecipient> {
        PhoneNumber::parse(text, None).map(|number| number.expose().to_owned())
    }

    #[test]
    fn spellings_of_one_number_become_one_number() {
        for text in
            ["+919876543210", " +91 98765 43210 ", "+91-98765-43210", "+91 (98765) 43210", "+91.98765.43210"]
        {
            assert_eq!(phone(text).as_deref(), Ok("+919876543210"), "{text}");
        }
        assert_eq!(
            PhoneNumber::parse("098765 43210", Region::parse("IN")).unwrap().expose(),
            "+919876543210",
            "a national form needs a default region"
        );
    }

    #[test]
    fn no_disguised_or_impossible_number_gets_through() {
        use InvalidRecipient as E;
        let cases = [
            ("", E::NotInternational),
            ("919876543210", E::NotInternational),
            ("098765 43210", E::NotInternational),
            ("00919876543210", E::NotInternational),
            ("+", E::NoSuchNumber),
            ("+1", E::NoSuchNumber),
            ("+1234567", E::NoSuchNumber),
            ("+9198765432101234", E::NoSuchNumber),
            ("+99999999999", E::NoSuchNumber),
            ("+15555555", E::NoSuchNumber),
            ("++919876543210", E::StrayCharacters),
            ("+91987654321O", E::StrayCharacters),
            ("+1800FLOWERS", E::StrayCharacters),
            ("+919876543210;ext=5", E::StrayCharacters),
            ("+919876543210 x5", E::StrayCharacters),
            ("+919876543210#5", E::StrayCharacters),
            ("+919876543210,5", E::StrayCharacters),
            ("tel:+919876543210", E::StrayCharacters),
            ("+91\u{0660}876543210", E::StrayCharacters),
            ("+91\u{ff19}876543210", E::StrayCharacters),
            ("\u{ff0b}919876543210", E::StrayCharacters),
            ("+91\u{200b}9876543210", E::StrayCharacters),
            ("\u{202e}+919876543210", E::StrayCharacters),
            ("+919876543210\u{0}", E::StrayCharacters),
            ("+919876543210\n", E::StrayCharacters),
            ("+919876543210\r\n", E::StrayCharacters),
            ("+91\t9876543210", E::StrayCharacters),
            ("+91\u{a0}9876543210", E::StrayCharacters),
            ("+91/9876543210", E::StrayCharacters),
            ("+919876543210+1", E::StrayCharacters),
            ("+19005551234", E::RefusedKind),
            ("+80812345678", E::RefusedKind),
            ("+870773111632", E::RefusedKind),
            ("+881612345678", E::RefusedKind),
            ("+882123456789", E::RefusedKind),
            ("+88312345678", E::RefusedKind),
            ("+979123456789", E::RefusedKind),
        ];
        for (text, expected) in cases {
            assert_eq!(phone(text), Err(expected), "{text:?}");
        }
        assert_eq!(phone(&"9".repeat(1_000_000)), Err(E::NotInternational));
        assert_eq!(phone(&format!("+{}", "9".repeat(1_000_000))), Err(E::NoSuchNumber));
    }

    #[test]
    fn the_region_is_the_numbering_region_and_not_the_calling_code() {
        for (number, region) in [
            ("+18765551234", "JM"),
            ("+14155550123", "US"),
            ("+16135550123", "CA"),
            ("+77012345678", "KZ"),
            ("+79123456789", "RU"),
            ("+447911123456", "GG"),
            ("+447400123456", "GB"),
            ("+393123456789", "IT"),
            ("+390669812345", "VA"),
            ("+919876543210", "IN"),
        ] {
            let parsed = PhoneNumber::parse(number, None).unwrap();
            assert_eq!(parsed.region().map(|r| r.to_string()).as_deref(), Some(region), "{number}");
        }
    }

    #[test]
    fn whatever_prints_is_masked() {
        let number = Recipient::parse("+919876543210", None).unwrap();
        let email = Recipient::parse("asha.rao@example.co.in", None).unwrap();
        assert_eq!(format!("{number} {number:?}"), "+91••••••••10 +91••••••••10");
        assert_eq!(format!("{email} {email:?}"), "a•••@e•••.in a•••@e•••.in");
    }

    #[test]
    fn an_address_with_a_plus_tag_is_another_mailbox_but_another_case_is_not() {
        let same = |one: &str, two: &str| {
            Recipient::parse(one, None).unwrap().is_same(&Recipient::parse(two, None).unwrap())
        };
        assert!(same("Asha@Example.com", "asha@example.com"));
        assert!(!same("asha+x@example.com", "asha@example.com"));
        assert!(same("+5491123456789", "+541123456789"), "one telephone, two spellings");
        assert!(!same("+919876543210", "+919876543211"));
        assert!(!same("asha@example.com", "+919876543210"));
    }

    #[test]
    fn two_spellings_share_one_bucket() {
        let key = |text: &str| Recipient::parse(text, None).unwrap().limit_key();
        assert_eq!(key("+5491123456789"), key("+541123456789"));
        assert_eq!(key("Asha+otp1@EXAMPLE.com"), key("asha@example.com"));
        assert_ne!(key("+919876543210"), key("+919876543211"));
    }

    #[test]
    fn a_domain_becomes_lower_case_punycode() {
        assert_eq!(EmailAddress::parse("A.b@MÜNCHEN.de").unwrap().expose(), "A.b@xn--mnchen-3ya.de");
    }

    #[test]
    fn no_hostile_address_gets_through() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.com", "b".repeat(250));
        for text in [
            "",
            "@",
            "a@",
            "@example.com",
            "a@b",
            "a b@example.com",
            "a@example.com\r\nBcc: x@example.com",
            "a@example.com\0",
            "Asha <a@example.com>",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a@example..com",
            "a@@example.com",
            "a@example.com,b@example.com",
            "a@-example.com",
            "\u{202e}a@example.com",
            "ä@example.com",
            &long_local,
            &long,
        ] {
            assert_eq!(EmailAddress::parse(text), Err(InvalidRecipient::NotAnEmailAddress), "{text:?}");
        }
        assert_eq!(EmailAddress::parse("a@\u{440}aypal.com"), Err(InvalidRecipient::MixedScripts));
    }
}
