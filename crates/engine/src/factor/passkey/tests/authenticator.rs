//! A browser and an authenticator in one: makes the JSON that `PublicKeyCredential.toJSON` makes, with real keys and real
//! signatures, and lies wherever a test wants it to.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(super) const PRESENT: u8 = 0x01;
pub(super) const VERIFIED: u8 = 0x04;
pub(super) const BACKUP_ELIGIBLE: u8 = 0x08;
pub(super) const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
/// Where the flags stand in authenticator data.
pub(super) const FLAGS: usize = 32;

pub(super) enum Key {
    Es256(EcdsaKeyPair),
    Es384(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    pub(super) fn es256() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        Self::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap())
    }

    pub(super) fn es384() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &random).unwrap();
        Self::Es384(EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, key.as_ref(), &random).unwrap())
    }

    pub(super) fn eddsa() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::EdDsa(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    pub(super) fn rs256() -> Self {
        Self::Rs256(RsaKeyPair::from_pkcs8(include_bytes!("rs256.pk8")).unwrap())
    }

    /// The public key as COSE writes it, and the number of its algorithm.
    fn cose(&self) -> (Vec<u8>, i32) {
        let point = |head: &[u8], length: u8, key: &EcdsaKeyPair| {
            let (x, y) = key.public_key().as_ref()[1..].split_at(usize::from(length));
            [head, &[0x21, 0x58, length], x, &[0x22, 0x58, length], y].concat()
        };
        match self {
            Self::Es256(key) => (point(&[0xa5, 1, 2, 3, 0x26, 0x20, 1], 32, key), -7),
            Self::Es384(key) => (point(&[0xa5, 1, 2, 3, 0x38, 34, 0x20, 2], 48, key), -35),
            Self::EdDsa(key) => {
                let head: &[u8] = &[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32];
                ([head, key.public_key().as_ref()].concat(), -8)
            }
            Self::Rs256(key) => {
                let public = rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                let head: &[u8] = &[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59, 1, 0];
                ([head, &public.n, &[0x21, 0x43], &public.e].concat(), -257)
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) | Self::Es384(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

pub(super) struct Authenticator {
    pub(super) key: Key,
    pub(super) id: Vec<u8>,
    pub(super) handle: String,
    pub(super) counter: u32,
    pub(super) flags: u8,
    pub(super) origin: String,
}

impl Authenticator {
    pub(super) fn new(key: Key, origin: &str) -> Self {
        let id: [u8; 32] = ring::rand::generate(&SystemRandom::new()).unwrap().expose();
        let (id, origin, flags) = (id.to_vec(), origin.to_owned(), PRESENT | VERIFIED | BACKUP_ELIGIBLE);
        Self { key, id, handle: String::new(), counter: 1, flags, origin }
    }

    /// Makes a passkey as the options ask.
    pub(super) fn create(&mut self, options: &Value) -> Value {
        self.create_with(options, |_, _| ())
    }

    /// The same, after `lie` changed what the browser says and what the authenticator says.
    pub(super) fn create_with(
        &mut self,
        options: &Value,
        lie: impl FnOnce(&mut Value, &mut Vec<u8>),
    ) -> Value {
        self.handle = options["user"]["id"].as_str().unwrap().to_owned();
        let (key, algorithm) = self.key.cose();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), self.flags | ATTESTED);
        data.extend([&[0; 16], length.as_slice(), &self.id, &key].concat());
        let mut client = self.client("webauthn.create", options);
        lie(&mut client, &mut data);
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let length = if length[0] == 0 { vec![0x58, length[1]] } else { vec![0x59, length[0], length[1]] };
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".to_vec();
        object.extend([length, data.clone()].concat());
        let mut response = json!({
            "clientDataJSON": base64url(client.to_string().as_bytes()),
            "attestationObject": base64url(&object),
            "authenticatorData": base64url(&data),
            "transports": ["hybrid", "internal"],
            "publicKeyAlgorithm": algorithm,
        });
        if let Key::Es256(key) = &self.key {
            let head = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
            response["publicKey"] = json!(base64url(&[head, key.public_key().as_ref()].concat()));
        }
        self.credential(response)
    }

    /// Signs a challenge.
    pub(super) fn get(&mut self, options: &Value) -> Value {
        self.get_with(options, |_, _| ())
    }

    /// The same, after `lie` changed what is signed.
    pub(super) fn get_with(&mut self, options: &Value, lie: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Value {
        self.counter += 1;
        let mut data = self.data(options["rpId"].as_str().unwrap(), self.flags);
        let mut client = self.client("webauthn.get", options);
        lie(&mut client, &mut data);
        let client = client.to_string();
        let signature = self.key.sign(&[data.as_slice(), &Sha256::digest(&client)].concat());
        self.credential(json!({
            "clientDataJSON": base64url(client.as_bytes()),
            "authenticatorData": base64url(&data),
            "signature": base64url(&signature),
            "userHandle": self.handle,
        }))
    }

    fn data(&self, domain: &str, flags: u8) -> Vec<u8> {
        [Sha256::digest(domain).as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn client(&self, kind: &str, options: &Value) -> Value {
        let challenge = &options["challenge"];
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
    }

    fn credential(&self, response: Value) -> Value {
        let id = base64url(&self.id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
    }
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
