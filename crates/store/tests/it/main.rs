//! What the store promises, shown on real SQLite files.

#[cfg(test)]
mod checks;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod ended;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod races;
#[cfg(test)]
mod rebuilt;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod views;
