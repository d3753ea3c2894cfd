//! A device's own key: the public half, as a JSON Web Key.
//!
//! Two kinds are taken, Ed25519 and P-256, because those are what platform keystores and browsers make. The kind is the
//! key's and never a header's, a private half is refused, and so is a point that no private half belongs to. What is kept
//! and shown is the shortest form, of which the RFC 7638 thumbprint is made.

use data_encoding::BASE64URL_NOPAD;
use ring::{
    agreement, rand,
    signature::{self, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Points of Ed25519 with a small order, without the sign bit: under them one signature fits many messages.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    last_byte_of(1, 0x00, 0x00),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    last_byte_of(0xec, 0xff, 0x7f),
    last_byte_of(0xed, 0xff, 0x7f),
    last_byte_of(0xee, 0xff, 0x7f),
];

/// 32 bytes that are all `middle` but for the first and the last.
const fn last_byte_of(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A device's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct DeviceKey(Point);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Point {
    Ed25519([u8; 32]),
    P256 { x: [u8; 32], y: [u8; 32] },
}

/// Why a JSON Web Key is not taken. Never holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeviceKey {
    /// Not an Ed25519 or P-256 key.
    #[error("a device key is a JSON Web Key of Ed25519 or P-256")]
    Kind,
    /// It holds a private half, which must never leave the device.
    #[error("send the public half alone: this key holds the private one and must not be used any more")]
    Private,
    /// It holds what is not for a public key that verifies.
    #[error(
        "a device key holds kty, crv, x and, for P-256, y; of others only kid, alg, use, key_ops and ext"
    )]
    Member,
    /// Its coordinates are not base64url of 32 bytes each.
    #[error("each coordinate is 32 bytes as base64url without padding")]
    Coordinate,
    /// No private half belongs to it.
    #[error("this is not a point that a key can have")]
    Point,
}

impl DeviceKey {
    /// Reads a key that a device offers.
    ///
    /// # Errors
    /// [`InvalidDeviceKey`] says what is wrong with it.
    pub fn parse(jwk: &Value) -> Result<Self, InvalidDeviceKey> {
        let key = Self::read(jwk)?;
        if key.is_a_point() { Ok(key) } else { Err(InvalidDeviceKey::Point) }
    }

    fn read(jwk: &Value) -> Result<Self, InvalidDeviceKey> {
        let jwk = jwk.as_object().ok_or(InvalidDeviceKey::Kind)?;
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| jwk.contains_key(*private)) {
            return Err(InvalidDeviceKey::Private);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let (point, own, algs): (_, &[&str], _) = match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => {
                (Point::Ed25519(coordinate(text("x"))?), &["kty", "crv", "x"], ["EdDSA", "Ed25519"])
            }
            (Some("EC"), Some("P-256")) => {
                let (x, y) = (coordinate(text("x"))?, coordinate(text("y"))?);
                (Point::P256 { x, y }, &["kty", "crv", "x", "y"], ["ES256", "ES256"])
            }
            _ => return Err(InvalidDeviceKey::Kind),
        };
        let fits =
            |(name, value): (&String, &Value)| own.contains(&name.as_str()) || describes(name, value, algs);
        if jwk.iter().all(fits) { Ok(Self(point)) } else { Err(InvalidDeviceKey::Member) }
    }

    fn is_a_point(&self) -> bool {
        match &self.0 {
            Point::Ed25519(x) => {
                let mut unsigned = *x;
                unsigned[31] &= 0x7f;
                !SMALL_ORDER.contains(&unsigned)
            }
            // ring looks whether a point is on the curve only where it is used, so it is used once, with a key that is
            // thrown away. What comes out does not depend on that key.
            Point::P256 { .. } => {
                let thrown_away = agreement::EphemeralPrivateKey::generate(
                    &agreement::ECDH_P256,
                    &rand::SystemRandom::new(),
                );
                let theirs = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, self.bytes());
                thrown_away.and_then(|mine| agreement::agree_ephemeral(mine, &theirs, |_| ())).is_ok()
            }
        }
    }

    /// Whether the private half of this key signed `message`. Of P-256 both forms are read: 64 bytes, and DER.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = self.bytes();
        let by = |algorithm| UnparsedPublicKey::new(algorithm, &key).verify(message, signature).is_ok();
        match &self.0 {
            Point::Ed25519(_) => by(&signature::ED25519),
            Point::P256 { .. } => {
                by(&signature::ECDSA_P256_SHA256_FIXED) || by(&signature::ECDSA_P256_SHA256_ASN1)
            }
        }
    }

    /// The shortest form: the members that the thumbprint is made of.
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8; 32]| BASE64URL_NOPAD.encode(bytes);
        match &self.0 {
            Point::Ed25519(x) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(x)}),
            Point::P256 { x, y } => json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)}),
        }
    }

    /// The RFC 7638 thumbprint: base64url of SHA-256 over the shortest form, its members in order.
    pub fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let members: Map<String, Value> = ["crv", "kty", "x", "y"]
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), jwk.get(name)?.clone())))
            .collect();
        BASE64URL_NOPAD.encode(&Sha256::digest(Value::Object(members).to_string()))
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.0 {
            Point::Ed25519(x) => x.to_vec(),
            Point::P256 { x, y } => [&[4], x.as_slice(), y].concat(),
        }
    }
}

/// Members that say what a key is for, as browsers write them.
fn describes(name: &str, value: &Value, algs: [&str; 2]) -> bool {
    match name {
        "alg" => value.as_str().is_some_and(|alg| algs.contains(&alg)),
        "use" => value == "sig",
        "key_ops" => *value == json!(["verify"]),
        "ext" => value.is_boolean(),
        "kid" => value.is_string(),
        _ => false,
    }
}

fn coordinate(text: Option<&str>) -> Result<[u8; 32], InvalidDeviceKey> {
    let text = text.filter(|text| text.len() == 43).ok_or(InvalidDeviceKey::Coordinate)?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| InvalidDeviceKey::Coordinate)?;
    bytes.try_into().map_err(|_| InvalidDeviceKey::Coordinate)
}

impl TryFrom<Value> for DeviceKey {
    type Error = InvalidDeviceKey;
    /// Reads a key that was parsed before.
    fn try_from(jwk: Value) -> Result<Self, InvalidDeviceKey> {
        Self::read(&jwk)
    }
}
impl From<DeviceKey> for Value {
    fn from(key: DeviceKey) -> Self {
        key.jwk()
    }
}
