//! `backstop users`: the people of an application.

pub mod answers;
pub mod import;

use backstop_domain::{
    id::UserId,
    user::{Role, SecondFactor, UserStatus},
};
use clap::{Args, Subcommand};

pub use self::answers::answer;
use super::{
    Exit,
    people::{Of, Person},
    screen::Screen,
};
use crate::{
    config::Config,
    control::{
        Talk,
        protocol::{ControlReply, ControlRequest, PeopleRequest, PersonChanges, Private},
    },
};

/// What to do with users.
#[derive(Debug, Args)]
#[command(
    after_help = "USER is an id, or an address that is confirmed. Addresses are shown masked.\n\nExamples:\n  \
                        backstop users create --phone +919876543210 --email asha@example.com\n  backstop users list\n  \
                        backstop users show +919876543210\n  backstop users suspend usr_...\n  \
                        backstop users import people.csv --dry-run"
)]
pub struct UsersArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: UsersCommand,
}

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Make a user
    #[command(
        after_help = "An address that is confirmed can sign in, and belongs to one user alone.\n\nExamples:\n  \
                      backstop users create --phone +919876543210 --role driver\n  \
                      backstop users create --email asha@example.com --second-factor required\n  \
                      backstop users create --phone +919876543210 --json | jq -r .id"
    )]
    Create(CreateArguments),
    /// List users, oldest first
    #[command(
        after_help = "With --json, a line for each user.\n\nExamples:\n  backstop users list --role driver\n  \
                      backstop users list --address +919876543210\n  backstop users list --json | jq -r .id"
    )]
    List {
        /// Whose.
        #[command(flatten)]
        of: Of,
        /// Only of this role
        #[arg(long)]
        role: Option<Role>,
        /// Only whoever has this confirmed telephone number or e-mail address
        #[arg(long)]
        address: Option<String>,
    },
    /// Show a user, and which factors they hold
    #[command(
        after_help = "Examples:\n  backstop users show usr_...\n  backstop users show +919876543210 --reveal"
    )]
    Show {
        /// Who.
        #[command(flatten)]
        person: Person,
        /// Addresses in full; that they were read is recorded in the audit log
        #[arg(long)]
        reveal: bool,
    },
    /// Change a user: all that is named, or nothing
    #[command(
        after_help = "Addresses that go, go first. A confirmed telephone number that comes or goes ends the user's sessions and \
                      the trust in their devices.\n\nExamples:\n  backstop users update usr_... --role admin\n  \
                      backstop users update usr_... --remove +919876543210 --add +919876543211"
    )]
    Update(UpdateArguments),
    /// Let a user in no more, until they are activated again
    #[command(
        after_help = "Ends their sessions and the trust in their devices.\n\nExamples:\n  backstop users suspend usr_..."
    )]
    Suspend {
        /// Who.
        #[command(flatten)]
        person: Person,
    },
    /// Let a suspended user in again
    #[command(after_help = "Examples:\n  backstop users activate usr_...")]
    Activate {
        /// Who.
        #[command(flatten)]
        person: Person,
    },
    /// Erase a user with everything that is personal about them, for good
    #[command(
        after_help = "Addresses, factors, sessions and the personal details in the audit log go. The log keeps what happened, by \
                      id alone.\n\nExamples:\n  backstop users erase usr_... --yes"
    )]
    Erase {
        /// Who.
        #[command(flatten)]
        person: Person,
        /// Yes, for good
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Print everything that is kept about a user, as JSON
    #[command(
        after_help = "Without what a factor is made of. That it was handed out is recorded in the audit log.\n\n\
                      Examples:\n  backstop users export usr_... > asha.json"
    )]
    Export {
        /// Who.
        #[command(flatten)]
        person: Person,
    },
    /// Make users of a file of another system, with their password hashes and authenticator apps
    #[command(
        after_help = "CSV has a header; JSON is a list of objects with the same names: phone, email, role, locale, status (active, \
                      suspended), second_factor (off, optional, required), password_hash (argon2id or bcrypt), totp_seed \
                      (base32), totp_algorithm (SHA1, SHA256, SHA512), totp_digits (6, 8), totp_period (15 to 120 seconds). \
                      Each user has a phone or an email; both count as confirmed.\n\n\
                      Exit code 1 if a row was refused: the others are imported. The same file can be imported again; whoever \
                      is there is refused.\n\nExamples:\n  backstop users import people.csv --dry-run\n  \
                      backstop users import people.csv\n  backstop users import people.json --application shop --json"
    )]
    Import(import::ImportArguments),
}

/// A new user.
#[derive(Debug, Args)]
pub struct CreateArguments {
    #[command(flatten)]
    of: Of,
    /// A telephone number; may be there several times
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
    /// An e-mail address; may be there several times
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// What they are in the application [default: user]
    #[arg(long)]
    role: Option<Role>,
    /// The language of messages, such as en or pt-BR
    #[arg(long)]
    locale: Option<String>,
    /// When a second way is asked for: off, optional (once one is enrolled), required [default: optional]
    #[arg(long, value_name = "WHEN")]
    second_factor: Option<SecondFactor>,
    /// The addresses are not known to be the user's: none can sign in until it is confirmed
    #[arg(long)]
    unconfirmed: bool,
}

/// What is to be different.
#[derive(Debug, Args)]
#[group(id = "changes", required = true, multiple = true,
        args = ["role", "locale", "second_factor", "add", "confirm", "remove"])]
pub struct UpdateArguments {
    #[command(flatten)]
    person: Person,
    /// What they are in the application
    #[arg(long)]
    role: Option<Role>,
    /// The language of messages, such as en or pt-BR; "" for none
    #[arg(long)]
    locale: Option<String>,
    /// When a second way is asked for: off, optional (once one is enrolled), required
    #[arg(long, value_name = "WHEN")]
    second_factor: Option<SecondFactor>,
    /// An address that comes; may be there several times
    #[arg(long, value_name = "ADDRESS")]
    add: Vec<String>,
    /// Those that come are not known to be the user's
    #[arg(long, requires = "add")]
    unconfirmed: bool,
    /// An address that is known to be the user's from now on; may be there several times
    #[arg(long, value_name = "ADDRESS")]
    confirm: Vec<String>,
    /// An address that goes; may be there several times
    #[arg(long, value_name = "ADDRESS")]
    remove: Vec<String>,
}

fn private(texts: Vec<String>) -> Vec<Private> {
    texts.into_iter().map(Private::new).collect()
}

impl CreateArguments {
    fn request(self) -> ControlRequest {
        self.of.request(PeopleRequest::Create {
            phones: private(self.phone),
            emails: private(self.email),
            confirmed: !self.unconfirmed,
            role: self.role,
            locale: self.locale,
            second_factor: self.second_factor,
        })
    }
}

impl UpdateArguments {
    fn request(self) -> ControlRequest {
        let changes = PersonChanges {
            status: None,
            role: self.role,
            second_factor: self.second_factor,
            locale: self.locale,
            add: private(self.add),
            confirmed: !self.unconfirmed,
            confirm: private(self.confirm),
            remove: private(self.remove),
        };
        self.person.request(|user| PeopleRequest::Update { user, changes })
    }
}

fn becomes(person: Person, status: UserStatus) -> ControlRequest {
    let changes = PersonChanges { status: Some(status), ..PersonChanges::default() };
    person.request(|user| PeopleRequest::Update { user, changes })
}

impl UsersArguments {
    /// Runs it.
    ///
    /// # Errors
    /// If nobody can carry it out, or the output cannot be written.
    pub fn run(self, config: &Config, screen: &mut Screen) -> anyhow::Result<Exit> {
        let request = match self.command {
            UsersCommand::List { of, role, address } => return list(config, screen, of, role, address),
            UsersCommand::Import(import) => return import.run(config, screen),
            UsersCommand::Export { person } => return export(config, screen, person),
            UsersCommand::Create(create) => create.request(),
            UsersCommand::Show { person, reveal } => {
                person.request(|user| PeopleRequest::Show { user, reveal })
            }
            UsersCommand::Update(update) => update.request(),
            UsersCommand::Suspend { person } => becomes(person, UserStatus::Suspended),
            UsersCommand::Activate { person } => becomes(person, UserStatus::Active),
            UsersCommand::Erase { person, .. } => person.request(|user| PeopleRequest::Erase { user }),
        };
        super::talk(screen, config, request, answer)
    }
}

/// Prints them page by page, however many there are.
fn list(
    config: &Config,
    screen: &mut Screen,
    Of { application }: Of,
    role: Option<Role>,
    address: Option<String>,
) -> anyhow::Result<Exit> {
    let (talk, address) = (Talk::begin(config)?, address.map(Private::new));
    let (mut after, mut is_first): (Option<UserId>, bool) = (None, true);
    loop {
        let act = PeopleRequest::List { role: role.clone(), address: address.clone(), after };
        let reply = talk.ask(ControlRequest::People { application: application.clone(), act })?;
        let ControlReply::Users(page) = reply else { return super::stranger(&reply, screen) };
        if screen.json() {
            for user in &page.users {
                writeln!(screen.out(), "{}", serde_json::to_string(user)?)?;
            }
        } else if page.users.is_empty() && is_first {
            screen.say("no such users");
        } else {
            let text = answers::table(&page.users, is_first, screen.style());
            writeln!(screen.out(), "{text}")?;
        }
        (after, is_first) = (page.next, false);
        if after.is_none() {
            screen.out().flush()?;
            return Ok(Exit::Well);
        }
    }
}

/// Prints the document itself, for a file.
fn export(config: &Config, screen: &mut Screen, person: Person) -> anyhow::Result<Exit> {
    let reply = crate::control::call(config, person.request(|user| PeopleRequest::Export { user }))?;
    let ControlReply::Export(export) = &reply else { return super::stranger(&reply, screen) };
    let document: serde_json::Value = serde_json::from_str(export.document.expose())?;
    let text = if screen.json() { document.to_string() } else { serde_json::to_string_pretty(&document)? };
    writeln!(screen.out(), "{text}")?;
    Ok(Exit::Well)
}
