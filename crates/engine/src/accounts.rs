//! The vendor accounts, as operators see and switch them: credit, spend, on and off.
//!
//! Credit is read every few minutes where a floor is configured, by each node for itself, and traffic shifts away before it
//! ends. What operators switch is in the store, so every node follows within a second, and a restart changes nothing.

use std::{sync::Arc, time::Duration};

use backstop_domain::{
    application::Application,
    channel::Channel,
    clock::Timestamp,
    credit::{CreditRule, Forecast},
    event::{Actor, Event, EventKind},
    ports::{
        StoreError,
        provider::Balance,
        store::{ProviderSwitch, Standing, Usage},
    },
    price::Price,
    purpose::Purpose,
    recipient::Recipient,
    spend::SpendBook,
};
use futures::future;

use crate::{
    Engine,
    deliver::{
        choice::Occasion,
        routes::{ProviderHealth, Rung},
    },
};

/// How often the credit of an account is read.
const READ_CREDIT_EVERY: Duration = Duration::from_secs(300);
/// How often what a month has cost is looked at.
const READ_SPENDING_EVERY: Duration = Duration::from_secs(10);
/// How often switches are read.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Traffic shifts away when the credit is forecast to end within this: time enough for somebody to top it up.
const CREDIT_HORIZON: Duration = Duration::from_secs(3600);

/// What is left in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditReport {
    /// As the vendor said it.
    pub balance: Balance,
    /// When.
    pub read_at: Timestamp,
    /// Where it is going.
    pub forecast: Option<Forecast>,
    /// Whether others go first because of it.
    pub is_low: bool,
}

/// Everything about a provider.
#[derive(Debug, Clone)]
pub struct Account {
    /// How it is.
    pub health: ProviderHealth,
    /// What is left, where that is known.
    pub credit: Option<CreditReport>,
    /// The most that this month may cost.
    pub spend_limit: Option<Price>,
    /// What this month has cost, where it is counted.
    pub spending: Option<SpendBook>,
}

/// Why a provider cannot be switched.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// No provider has this name.
    #[error("no provider of that name")]
    NoSuchProvider,
    /// The limit is in another currency than the prices.
    #[error("the limit is in another currency than the provider's prices, or it has no prices to count by")]
    OtherCurrency,
    /// The store cannot be written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One channel of a hypothetical delivery.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The channel.
    pub channel: Channel,
    /// The decision, with why each provider would be passed over now.
    pub decision: backstop_domain::ranking::Decision,
}

impl Engine {
    /// Every provider, with its money.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let now = self.clock.now();
        let mut books = self.store.spending(now).await?;
        let account = |health: ProviderHealth| {
            let place = books.iter().position(|(name, _)| *name == health.name);
            Account {
                credit: self.routes.credit(&health.name, now),
                spend_limit: self.routes.spend_limit(&health.name),
                spending: place.map(|place| books.swap_remove(place).1),
                health,
            }
        };
        Ok(self.routes.health(now).into_iter().map(account).collect())
    }

    /// Counts attempts of a span, by provider and what became of them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Usage>, StoreError> {
        self.store.usage(from, to).await
    }

    /// Counts verifications that were started in a span, by purpose and where they stand.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn standings(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Standing>, StoreError> {
        self.store.standings(from, to).await
    }

    /// Switches a provider on or off, or sets its month's limit, on every node and over restarts.
    ///
    /// # Errors
    /// If there is no such provider, or the limit cannot be counted.
    pub async fn switch(
        &self,
        provider: &str,
        enabled: Option<bool>,
        monthly_spend_limit: Option<Price>,
        actor: Actor,
    ) -> Result<(), SwitchError> {
        if self.routes.provider(provider).is_none() {
            return Err(SwitchError::NoSuchProvider);
        }
        if monthly_spend_limit.is_some_and(|limit| !self.routes.can_count(provider, limit)) {
            return Err(SwitchError::OtherCurrency);
        }
        let changed_at = self.clock.now();
        let (kind, method) = match (monthly_spend_limit, enabled) {
            (Some(limit), _) => (EventKind::SpendLimitSet, limit.to_string()),
            (None, Some(false)) => (EventKind::ProviderSwitched, "disabled".to_owned()),
            (None, _) => (EventKind::ProviderSwitched, "enabled".to_owned()),
        };
        let event = Event { method: Some(method), ..Event::new(changed_at, kind, actor) };
        let record = self.new_record(&event.with_object(provider));
        let provider = provider.to_owned();
        let switch = ProviderSwitch { provider, enabled, monthly_spend_limit, changed_at };
        self.store.switch(switch, record).await?;
        Ok(self.read_switches().await?)
    }

    /// What would be tried for a message of this application to `to`, and why. Sends nothing and takes nothing.
    pub fn explain(
        &self,
        application: &Application,
        to: &Recipient,
        purpose: &Purpose,
        ladder: &[Channel],
    ) -> Vec<Explanation> {
        let now = self.clock.now();
        let occasion = Occasion { application, purpose, now };
        let reached = ladder.iter().filter(|channel| channel.reaches(to));
        let rungs = self.choose(occasion, reached.map(|channel| (*channel, to.clone())));
        self.settled(rungs, now).into_iter().map(|rung| self.explanation(&rung, now)).collect()
    }

    fn explanation(&self, rung: &Rung, now: Timestamp) -> Explanation {
        Explanation { channel: rung.channel, decision: self.explained(rung, now) }
    }

    /// Learns at once what the ranking rests on: what the other nodes and earlier runs saw. For a process that does not run.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        self.exchange_observations().await
    }

    /// Reads what is left in every watched account that was not read lately. For a process that does not run.
    pub async fn read_credits(&self) {
        let due = self.routes.credit_due(READ_CREDIT_EVERY, self.clock.now());
        self.read_credits_of(&due).await;
    }

    async fn read_credits_of(&self, due: &[String]) {
        future::join_all(due.iter().map(|name| self.read_credit(name))).await;
    }

    /// Takes over what operators switched. To be called before the first message leaves; a running engine looks every second.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn read_switches(&self) -> Result<(), StoreError> {
        for switch in self.store.switches().await? {
            self.routes.apply(&switch);
        }
        Ok(())
    }

    pub(crate) async fn watch_accounts_forever(self: Arc<Self>) {
        let mut was_silent = false;
        while !self.workload.is_stopping() {
            let read = self.read_switches().await;
            if let (Err(error), false) = (&read, was_silent) {
                tracing::warn!(%error, "what operators switched cannot be read");
            }
            was_silent = read.is_err();
            if self.routes.spending_is_due(READ_SPENDING_EVERY, self.clock.now())
                && let Ok(books) = self.store.spending(self.clock.now()).await
            {
                for (name, book) in books {
                    self.routes.note_spending(&name, &book, self.clock.now());
                }
            }
            // Notes when a channel stops or begins to work, though nobody asks.
            let _ = self.channels();
            let due = self.routes.credit_due(READ_CREDIT_EVERY, self.clock.now());
            if !due.is_empty() {
                // A vendor that does not answer keeps nobody from switching it off.
                let engine = self.clone();
                self.tasks.spawn(Box::pin(async move { engine.read_credits_of(&due).await }));
            }
            future::select(self.tasks.sleep(LOOK_EVERY), self.workload.stopped()).await;
        }
    }

    /// Reads what is left in an account, where a floor is configured.
    async fn read_credit(&self, name: &str) {
        let Some(provider) = self.routes.provider(name) else { return };
        match provider.balance().await {
            Ok(Some(balance)) => {
                let floor_micros = self.routes.credit_floor(name).unwrap_or(i64::MIN);
                let rule = CreditRule { floor_micros, horizon: CREDIT_HORIZON };
                self.routes.read_credit(name, balance, rule, self.clock.now());
            }
            Ok(None) => tracing::debug!(provider.name = %name, "the vendor does not say what is left"),
            Err(error) => {
                tracing::warn!(provider.name = %name, error, "what is left in the account cannot be read");
            }
        }
    }
}
