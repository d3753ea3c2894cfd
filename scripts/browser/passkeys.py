"""Drives a real browser with an authenticator of its own over a page that registers and uses a passkey.

Usage: passkeys.py PAGE_URL USER ACCESS_TOKEN PHONE. The authenticator is Chromium's virtual one: built in, with resident
keys, and it makes sure who the person is. Registers, registers again, signs in without a name, sends that again, and signs
in by PHONE. Prints what each came to as one JSON object, and what the browser's console complained about.
"""

import json
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from inbox import FLAGS

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def main() -> None:
    page, user, token, phone = sys.argv[1:]
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in FLAGS + [f"--user-data-dir={tempfile.mkdtemp()}"]:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        browser.set_script_timeout(30)
        browser.execute_cdp_cmd("WebAuthn.enable", {})
        browser.execute_cdp_cmd("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        browser.get(page)

        def said(script: str, *arguments):
            return browser.execute_async_script(f"done({script}, arguments[arguments.length - 1])", *arguments)

        told = {
            "registered": said("register(arguments[0], arguments[1])", user, token),
            "again": said("register(arguments[0], arguments[1])", user, token),
            "signed_in": said("signIn({})"),
        }
        sent = told["signed_in"].get("sent")
        told["replayed"] = said("call('/v1/sign-in/passkey/verify', key, arguments[0])", sent)
        told["by_phone"] = said("signIn({ phone: arguments[0] })", phone)
        told["console"] = [entry["message"] for entry in browser.get_log("browser")]
        print(json.dumps(told))
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
