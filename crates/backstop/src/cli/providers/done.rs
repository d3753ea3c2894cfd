//! What an operator had done to a provider, and what came of it.

use crate::{
    cli::{
        Answer, Exit,
        screen::{Style, columns},
    },
    control::protocol::{ControlReply, ErrandReply, Finding, Level, LimitReply, SwitchReply, TestReply},
};

use super::{figures::seconds, words};

/// What came of it; `None`: the reply belongs to another request.
pub fn answer(reply: &ControlReply, style: Style) -> Option<Answer> {
    match reply {
        ControlReply::SwitchProvider(done) => Some(switched(done, style)),
        ControlReply::SetSpendLimit(done) => Some(limited(done, style)),
        ControlReply::VerifySender(done) => Some(errand(done, style)),
        ControlReply::TestProvider(done) => Some(tested(done, style)),
        _ => None,
    }
}

fn switched(done: &SwitchReply, style: Style) -> Answer {
    let state = if done.enabled { "on" } else { "off" };
    let before = if done.changed { "" } else { ", as it was before" };
    let name = &done.provider;
    if done.unserved.is_empty() {
        let hint = "every node follows within a second, and a restart changes nothing";
        return Answer::new(format!("{} {name} is {state}{before}", style.lamp(Level::Well)), Exit::Well)
            .with_hint(hint);
    }
    let text = format!(
        "{} {name} is {state}{before}; nothing serves {} now",
        style.lamp(Level::Warning),
        words(&done.unserved)
    );
    Answer::new(text, Exit::Warning)
        .with_hint(format!("switch it on again: backstop providers enable {name}"))
}

fn limited(done: &LimitReply, style: Style) -> Answer {
    let spent = done.spent.as_deref().unwrap_or("nothing yet");
    let mut lines = vec![format!(
        "{} {} may cost {} a month; this month so far: {spent}",
        style.lamp(Level::Well),
        done.provider,
        done.limit
    )];
    let Some(vendor) = &done.vendor else {
        let hint = "this is our limit; the vendor has none of its own that can be set from here";
        return Answer::new(lines.remove(0), Exit::Well).with_hint(hint);
    };
    lines.push(format!("{} {}", style.lamp(level(vendor)), at_vendor("the vendor's own limit", vendor)));
    let exit = if vendor.well { Exit::Well } else { Exit::Warning };
    let answer = Answer::new(lines.join("\n"), exit);
    if vendor.well { answer } else { answer.with_hint("ours holds whatever the vendor's is") }
}

fn errand(done: &ErrandReply, style: Style) -> Answer {
    let ErrandReply { provider, finding } = done;
    let exit = if finding.well { Exit::Well } else { Exit::Broken };
    Answer::new(format!("{} {}", style.lamp(level(finding)), at_vendor(provider, finding)), exit)
}

fn tested(done: &TestReply, style: Style) -> Answer {
    let look = &done.checkup;
    let mut rows = vec![vec![style.lamp(level(look)), "look".to_owned(), at_vendor(&done.provider, look)]];
    let mut exit = if look.well { Exit::Well } else { Exit::Broken };
    let mut hint = None;
    if let Some(sent) = &done.sent {
        let after =
            sent.answered_millis.map_or(String::new(), |millis| format!(" after {}", seconds(millis)));
        let lamp = style.lamp(if sent.accepted { Level::Well } else { Level::Broken });
        let told = format!("{} to {}: {}{after}", sent.channel, sent.to, sent.finding);
        rows.push(vec![lamp, "message".to_owned(), told]);
        if !sent.accepted {
            exit = Exit::Broken;
        }
        hint = sent.verification.map(|id| format!("check it with: backstop verify {id} CODE"));
    }
    let answer = Answer::new(columns(&rows, ""), exit);
    match hint {
        Some(hint) => answer.with_hint(hint),
        None => answer,
    }
}

fn level(finding: &Finding) -> Level {
    if finding.well { Level::Well } else { Level::Broken }
}

fn at_vendor(what: &str, finding: &Finding) -> String {
    let fix = finding.fix.as_ref().map_or(String::new(), |fix| format!("  fix: {fix}"));
    format!("{what}: {}{fix}", finding.finding)
}
