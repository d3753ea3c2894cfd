"""Drives a real browser over the development inbox, as a newcomer would in the first minute.

Usage: inbox.py BASE_URL. Breaks sms-one with its switch, sends a code from the page, and prints what the page then shows
as one JSON object: the code, the line that tells the failover, whether the page grew wider than a telephone, and what the
browser's console complained about.
"""

import json
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=390,844",
]


def main() -> None:
    base = sys.argv[1]
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in FLAGS + [f"--user-data-dir={tempfile.mkdtemp()}"]:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    wait = WebDriverWait(browser, 20)
    try:
        browser.get(f"{base}/dev/inbox")
        browser.find_element(By.CSS_SELECTOR, "#switch-sms-one button[value='refuses']").click()
        wait.until(lambda b: pressed(b) == "refuses")
        form = browser.find_element(By.CSS_SELECTOR, "form[action='/dev/send']")
        form.find_element(By.NAME, "to").send_keys("+919876543210")
        form.find_element(By.CSS_SELECTOR, "button").click()
        digits = wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, ".mail .digits"))
        wait.until(lambda b: "sms-two took it" in b.find_element(By.CSS_SELECTOR, ".mail").text)
        wide = browser.execute_script("return document.documentElement.scrollWidth > window.innerWidth")
        console = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        mail = browser.find_element(By.CSS_SELECTOR, ".mail").text
        print(json.dumps({"code": digits[0].text, "mail": mail, "too_wide": wide, "console": console}))
    finally:
        browser.quit()


def pressed(browser) -> str:
    found = browser.find_elements(By.CSS_SELECTOR, "#switch-sms-one button[aria-pressed='true']")
    return found[0].get_attribute("value") if found else ""


if __name__ == "__main__":
    main()
