//! Our access token in the hands of PyJWT, which knows of us only the key set.

use serde_json::json;

use super::{PASSWORD, dark, python, user};

const ASHA: &str = "+14155550123";

const SCRIPT: &str = r#"
import jwt, sys
token, url = sys.argv[1:]
key = jwt.PyJWKClient(url).get_signing_key_from_jwt(token)
claims = jwt.decode(token, key.key, algorithms=["EdDSA"], audience="shop")
print(claims["sub"])
kid = jwt.get_unverified_header(token)["kid"]
public = key.key.public_bytes_raw()
typ = {"kid": kid, "typ": "at+jwt"}
print(jwt.encode(claims, None, algorithm="none", headers=typ))
print(jwt.encode(claims, public, algorithm="HS256", headers=typ))
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
print(jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=typ))
try:
    jwt.decode(token, key.key, algorithms=["EdDSA"], audience="another")
    sys.exit("another audience was taken")
except jwt.InvalidAudienceError:
    pass
"#;

#[tokio::test]
async fn a_public_library_verifies_our_token_by_the_key_set_and_what_it_forges_is_inactive() {
    let program = dark();
    let shop = program.shop();
    let asha = user(&shop, ASHA, "off").await;
    let signed = shop.post("/v1/sign-in/password", json!({ "phone": ASHA, "password": PASSWORD })).await;
    let token = signed.text("access_token");
    let said = python(SCRIPT, &[&token, &program.url("/.well-known/jwks.json")]);
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some(asha.as_str()));
    let forged: Vec<_> = lines.collect();
    assert_eq!(forged.len(), 3, "{said}");
    for token in forged {
        let answer = shop.post("/v1/tokens/introspect", json!({ "token": token })).await.expect(200);
        assert_eq!(answer, json!({ "active": false }));
    }
    let answer = shop.post("/v1/tokens/introspect", json!({ "token": token })).await.expect(200);
    assert_eq!((&answer["active"], &answer["sub"]), (&json!(true), &json!(asha)));
}
