//! Passkeys that nobody holds, for names that nobody has.
//!
//! Where a name is asked for first, options for an unknown name must look like those for a known one, and must stay the same
//! when asked again. They are keyed hashes of the name, so without the keyring nobody can tell or make them, and nothing
//! is kept. A person who holds no passkey gets them too.

use backstop_domain::{
    factor::passkey::{CredentialId, Transport},
    keyring::Keyring,
};

use super::Descriptor;

/// How long the ids are that the passkeys of phones and computers have today.
const LENGTHS: [usize; 2] = [20, 32];

/// The passkeys to name for `name`, in its canonical form, of `application`.
pub fn decoys(ring: &Keyring, application: &str, name: &str) -> Vec<Descriptor> {
    let part = |label: &str| ring.lookup(&format!("passkey decoy {label}|{application}"), name.as_bytes()).0;
    let (mut bytes, shape) = ([part("1"), part("2")].concat(), part("shape")[0]);
    bytes.truncate(LENGTHS[usize::from(shape) % LENGTHS.len()]);
    let decoy = |id| Descriptor { id, transports: vec![Transport::Hybrid, Transport::Internal] };
    CredentialId::new(bytes).map(decoy).into_iter().collect()
}
