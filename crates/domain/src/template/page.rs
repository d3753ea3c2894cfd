//! The same message as a page, for mail: small, light and dark, and nothing in it that is fetched or followed.
//!
//! The guarantee: whatever an application or a caller wrote is text here and never markup. Values are escaped on their
//! way in, and nothing but values and the fixed words below is ever written.

use super::{Piece, Template, Texts, Values, minutes};

/// Room for a usual page, so that no copy of the code is left behind by growing.
const PAGE_USUAL: usize = 4096;

/// Colours of the pages that people see; a mail client that knows no styles in the head shows the light ones.
const HEAD: &str = "<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
    <meta name=\"color-scheme\" content=\"light dark\">\n\
    <meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">\n\
    <style>\n:root{color-scheme:light dark}\n@media (prefers-color-scheme:dark){\
    .page{background:#111412!important;color:#edf0eb!important}\
    .code{background:#1f2420!important;color:#edf0eb!important}\
    .second{color:#bcc4bd!important}}\n</style>\n";
const BODY: &str = "<body class=\"page\" style=\"margin:0;padding:24px;background:#fafaf7;color:#161a17;\
    font:17px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\n\
    <div dir=\"auto\" style=\"max-width:480px;margin:0 auto\">\n";
/// The code: large, and selected whole by one click.
const CODE: &str = "class=\"code\" dir=\"ltr\" style=\"background:#f1f2ed;color:#161a17;border-radius:6px;\
    font:600 34px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px;\
    -webkit-user-select:all;user-select:all;";
const SECOND: &str = "class=\"second\" style=\"margin:0 0 16px;color:#434a45\"";

/// The page of a built-in text.
pub(super) fn built_in(texts: &Texts, subject: &str, values: &Values<'_>, code: &str) -> String {
    let mut page = opened(texts.locale, subject, values.brand);
    page.push_str("<p style=\"margin:0 0 16px;font-size:24px;line-height:1.2\">");
    escape(&mut page, subject);
    page.push_str("</p>\n<p ");
    page.push_str(CODE);
    page.push_str("margin:0 0 16px;padding:16px;text-align:center\">");
    escape(&mut page, code);
    page.push_str("</p>\n");
    for (name, value) in values
        .transaction
        .iter()
        .flat_map(|deal| [(texts.mail.amount, &deal.amount), (texts.mail.payee, &deal.payee)])
    {
        page.push_str("<p style=\"margin:0 0 8px\">");
        escape(&mut page, name);
        page.push_str(": <strong dir=\"auto\">");
        escape(&mut page, value);
        page.push_str("</strong></p>\n");
    }
    let valid = texts.mail.valid.replace("{minutes}", &minutes(values.ttl).to_string());
    for line in [valid.as_str(), texts.mail.caution] {
        page.push_str("<p ");
        page.push_str(SECOND);
        page.push('>');
        escape(&mut page, line);
        page.push_str("</p>\n");
    }
    closed(page)
}

/// The page of an application's own text: a paragraph where a line was empty, the code large.
pub(super) fn own(
    template: &Template,
    locale: &str,
    subject: &str,
    values: &Values<'_>,
    code: &str,
) -> String {
    let mut page = opened(locale, subject, values.brand);
    page.push_str("<p style=\"margin:0 0 16px\">");
    for piece in &template.0 {
        match piece {
            Piece::Code => {
                page.push_str("<span ");
                page.push_str(CODE);
                page.push_str("padding:0 8px\">");
                escape(&mut page, code);
                page.push_str("</span>");
            }
            Piece::Text(text) => paragraphs(&mut page, text),
            value => {
                let mut said = String::new();
                value.say(&mut said, values, "");
                escape(&mut page, &said);
            }
        }
    }
    page.push_str("</p>\n");
    closed(page)
}

fn opened(locale: &str, subject: &str, brand: &str) -> String {
    let mut page = String::with_capacity(PAGE_USUAL);
    page.push_str("<!doctype html>\n<html lang=\"");
    page.push_str(locale);
    page.push_str("\">\n<head>\n");
    page.push_str(HEAD);
    page.push_str("<title>");
    escape(&mut page, subject);
    page.push_str("</title>\n</head>\n");
    page.push_str(BODY);
    page.push_str("<p style=\"margin:0 0 24px;font-weight:600\">");
    escape(&mut page, brand);
    page.push_str("</p>\n");
    page
}

fn closed(mut page: String) -> String {
    page.push_str("</div>\n</body>\n</html>\n");
    page
}

/// Fixed words of a template, whose empty lines part paragraphs.
fn paragraphs(page: &mut String, text: &str) {
    let text = text.replace("\r\n", "\n");
    for (paragraph, number) in text.split("\n\n").zip(0..) {
        if number > 0 {
            page.push_str("</p>\n<p style=\"margin:0 0 16px\">");
        }
        for (line, number) in paragraph.split('\n').zip(0..) {
            if number > 0 {
                page.push_str("<br>\n");
            }
            escape(page, line);
        }
    }
}

fn escape(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            control if control.is_control() => page.push(' '),
            plain => page.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::super::{BUILT_IN, Templates, Transaction};
    use super::*;
    use crate::{channel::Channel, code::Code};

    const PLAIN: Values<'static> =
        Values { brand: "Acme", ttl: Duration::from_secs(594), transaction: None, locale: None };

    fn page(templates: &Templates, values: &Values<'_>) -> String {
        let rendered = templates.render(Channel::Email, &Code::custom("482913").unwrap(), values);
        rendered.html.unwrap().expose().to_owned()
    }

    fn own(text: &str) -> Templates {
        Templates::new(BTreeMap::from([(Channel::Email, Template::parse(text).unwrap())]))
    }

    /// Nothing that a mail client would fetch, follow, run or submit.
    fn assert_plain(page: &str) {
        for mark in
            ["http", "//", "href", "src", "url(", "@import", "<a ", "<img", "<script", "<form", "<link"]
        {
            assert!(!page.contains(mark), "{mark} is in\n{page}");
        }
    }

    #[test]
    fn every_language_has_a_page_with_code_brand_minutes_and_the_payment_where_there_is_one() {
        let deal = Transaction { amount: "INR 48,200.00".into(), payee: "Ferrycart".into() };
        for texts in &BUILT_IN {
            for transaction in [None, Some(&deal)] {
                let values = Values { locale: Some(texts.locale), transaction, ..PLAIN };
                let page = page(&Templates::default(), &values);
                assert_eq!(page.matches(">482913<").count(), 1, "{page}");
                assert!(page.contains("Acme") && !page.contains("{minutes}"), "{page}");
                assert!(page.contains(&texts.mail.valid.replace("{minutes}", "9")), "{page}");
                assert!(page.contains(&format!("lang=\"{}\"", texts.locale)), "{page}");
                assert_eq!(page.contains(">INR 48,200.00<"), transaction.is_some(), "{page}");
                assert_eq!(page.contains(">Ferrycart<"), transaction.is_some(), "{page}");
                assert_plain(&page);
            }
        }
    }

    #[test]
    fn only_mail_has_a_page() {
        for channel in Channel::ALL {
            let rendered = Templates::default().render(channel, &Code::custom("482913").unwrap(), &PLAIN);
            assert_eq!(rendered.html.is_some(), channel == Channel::Email, "{channel}");
        }
    }

    #[test]
    fn what_an_application_or_a_caller_wrote_is_text_in_the_page_and_never_markup() {
        let evil = "<img src=https://eve.example>\"'&\0\r\n";
        let deal = Transaction { amount: evil.into(), payee: evil.into() };
        let values = Values { brand: evil, transaction: Some(&deal), ..PLAIN };
        let template = own("<b>{brand}</b> {amount} {payee} {code} <script>x</script>");
        for templates in [&Templates::default(), &template] {
            let page = page(templates, &values);
            for mark in ["<img", "<b>", "<script", "\"'&", "\0"] {
                assert!(!page.contains(mark), "{mark} is in\n{page}");
            }
            assert!(page.contains("&lt;img src=https://eve.example&gt;&quot;&#39;&amp;"), "{page}");
        }
    }

    #[test]
    fn an_own_text_keeps_its_lines_and_shows_the_code_large_where_it_stands() {
        let page = page(&own("Hello from {brand}.\n\nThe code: {code}\nIt ends in {minutes} min."), &PLAIN);
        assert!(
            page.contains("Hello from Acme.</p>\n<p style=\"margin:0 0 16px\">The code: <span "),
            "{page}"
        );
        assert!(page.contains(">482913</span><br>\nIt ends in 9 min.</p>"), "{page}");
        assert_plain(&page);
    }

    #[test]
    fn a_value_that_is_the_code_by_chance_is_not_shown_as_the_code() {
        let deal = Transaction { amount: "482913".into(), payee: "Ferrycart".into() };
        let page = page(&own("{amount}: {code}"), &Values { transaction: Some(&deal), ..PLAIN });
        assert_eq!(page.matches("class=\"code\"").count(), 1, "{page}");
    }
}
