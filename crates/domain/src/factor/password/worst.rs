//! The passwords that anybody would try first.
//!
//! A short list on purpose: behind it stand the limits on guesses, and a second way. Words count with a few digits or signs round
//! them, for `Welcome@123` is the word; rows of digits and keys count as they stand.

/// Words, without what people put round them.
const WORDS: &str = "\
    abc abcd abcdef access admin administrator asdf asdfgh asdfghjkl babygirl bangalore baseball \
    basketball batman bharat changeme charlie chennai chocolate computer dallas daniel default delhi \
    donald dragon driver fleet football freedom ganesh google hanuman hello hunter iloveu iloveyou india \
    internet jaimatadi jennifer jesus jordan killer krishna letmein liverpool login love lovely lovers \
    maggie manager master michael monkey mumbai mustang mynoob ninja office omsairam p@ssw0rd p@ssword \
    pakistan pass passw0rd passwd password passwort pokemon princess qazwsx qwer qwert qwerty qwertyuiop \
    qwertz qwertzuiop root sairam samsung secret shadow shivam soccer starwars success summer sunshine \
    superman system temp test testing thomas tiger truck trustno user waheguru welcome whatever winter \
    xxxxxx zxcvbn zxcvbnm \
    ";

/// Rows of digits and keys, whole.
const ROWS: &str = "\
    0123456789 0987654321 11223344 1122334455 12341234 12344321 1234567890 123456789a 12345678a \
    123456abc 1234abcd 1234qwer 123qwe123 123qweasd 12qwaszx 13579246 147258369 1a2b3c4d 1q2w3e4r \
    1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020 24681012 31415926 3rjs1la7qe \
    741852963 789456123 87654321 963852741 987654321 9876543210 a1b2c3d4 a1s2d3f4 abc12345 abcd1234 \
    asdf1234 asdfasdf asdfghjk g_czechout letmein1 passpass poiuytrewq q1w2e3r4 q1w2e3r4t5 qazwsxedc \
    qwe123qwe qweasdzxc qwer1234 qwerqwer qwertyui qwertyuiop123 testtest zaq12wsx zaq1zaq1 zxcvbnm123 \
    ";

/// Whether `folded`, in small letters, is one of them. `trimmings` is how much may stand round a word.
pub(super) fn is_among(folded: &str, trimmings: usize) -> bool {
    if lists(ROWS, folded) {
        return true;
    }
    let word = folded.trim_matches(|c: char| !c.is_alphabetic());
    // The longer the password beside the word, the less it is the word; eight characters are always looked at.
    let around = folded.chars().count().saturating_sub(word.chars().count());
    (around <= trimmings.max(8_usize.saturating_sub(word.chars().count()))) && lists(WORDS, word)
}

fn lists(list: &str, text: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == text)
}
