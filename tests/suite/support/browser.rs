//! A real browser, for the pages of the examples: one headless Chromium for the whole run, and a page
//! of it for each test that opens one.
//!
//! It is driven by its debugging protocol over a pair of pipes (tests/browser), one question at a time:
//! a page is asked for the value of an expression until that is what the test waits for. What happens
//! in between is not listened to. It ends with this process, because its pipe does.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::support::{repository, wait};

const SHOWN: &str = "document.body.innerText";

/// One tab, which is closed when it is dropped.
pub struct Page {
    target: Value,
    session: Value,
}

impl Page {
    pub fn open(address: SocketAddr) -> Page {
        Page::open_at(address, "/")
    }

    pub fn open_at(address: SocketAddr, path: &str) -> Page {
        let url = format!("http://{address}{path}");
        let created = ask(None, "Target.createTarget", &json!({ "url": url })).unwrap();
        let target = created["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = ask(None, "Target.attachToTarget", &attach).unwrap()["sessionId"].clone();
        let page = Page { target, session };
        page.wait_for(&format!("location.href == '{url}' && document.readyState == 'complete'"));
        page
    }

    /// The value of a JavaScript expression.
    pub fn value(&self, expression: &str) -> Value {
        let question = json!({ "expression": expression, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", &question).unwrap();
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer:#}");
        answer["result"]["value"].clone()
    }

    pub fn wait_for(&self, expression: &str) {
        wait::until_true(expression, || self.value(expression) == true);
    }

    /// What the element of this id shows.
    pub fn text(&self, id: &str) -> String {
        self.value(&format!("document.getElementById('{id}').innerText"))
            .as_str()
            .expect("an element has a text")
            .to_owned()
    }

    pub fn wait_for_text(&self, id: &str, text: &str) {
        wait::until_true(&format!("{text:?} in {id}"), || self.text(id) == text);
    }

    /// The number that the element of this id shows.
    pub fn number(&self, id: &str) -> u64 {
        self.text(id).parse().unwrap_or_default()
    }

    pub fn click(&self, id: &str) {
        self.value(&format!("document.getElementById('{id}').click()"));
    }

    /// What the page looks like, as `$SUITE_SCREENSHOTS/NAME.png`; nothing if that is not set.
    pub fn picture(&self, name: &str) {
        let directory = std::env::var_os("SUITE_SCREENSHOTS").unwrap_or_default();
        if directory.is_empty() {
            return;
        }
        let answer = self.ask("Page.captureScreenshot", &json!({ "format": "png" })).unwrap();
        let coded = answer["data"].as_str().expect("a picture");
        let path = repository().join(Path::new(&directory)).join(name);
        fs::create_dir_all(path.parent().expect("a directory")).unwrap();
        // base64(1) is at hand wherever the suite runs.
        let mut decode = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(fs::File::create(path.with_extension("png")).unwrap())
            .spawn()
            .unwrap();
        decode.stdin.take().expect("a pipe").write_all(coded.as_bytes()).unwrap();
        assert!(decode.wait().unwrap().success());
    }

    fn ask(&self, method: &str, parameters: &Value) -> Result<Value, String> {
        ask(Some(&self.session), method, parameters)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if thread::panicking() {
            let shown = self.ask("Runtime.evaluate", &json!({ "expression": SHOWN }));
            let text = shown.map(|answer| answer["result"]["value"].clone());
            eprintln!("the page shows {text:?}");
        }
        let _ = ask(None, "Target.closeTarget", &json!({ "targetId": self.target }));
    }
}

/// Asks the browser, or the page of a session.
fn ask(session: Option<&Value>, method: &str, parameters: &Value) -> Result<Value, String> {
    static BROWSER: OnceLock<Mutex<Browser>> = OnceLock::new();
    let browser = BROWSER.get_or_init(|| Mutex::new(Browser::start()));
    // A test that failed here has lost its own answer and nobody else's: they are told by number.
    browser.lock().unwrap_or_else(PoisonError::into_inner).ask(session, method, parameters)
}

struct Browser {
    questions: ChildStdin,
    answers: Receiver<Value>,
    /// How many questions have been asked, which numbers them.
    asked: u64,
    _process: Child,
}

impl Browser {
    fn start() -> Browser {
        let mut process = Command::new(repository().join("tests/browser"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/browser can be run");
        let questions = process.stdin.take().expect("stdin is a pipe");
        let output = BufReader::new(process.stdout.take().expect("stdout is a pipe"));
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Browser { questions, answers, asked: 0, _process: process }
    }

    fn ask(
        &mut self,
        session: Option<&Value>,
        method: &str,
        parameters: &Value,
    ) -> Result<Value, String> {
        self.asked += 1;
        let mut question = json!({ "id": self.asked, "method": method, "params": parameters });
        if let Some(session) = session {
            question["sessionId"] = session.clone();
        }
        let silent = || "the browser does not answer: a reason may stand above".to_owned();
        self.questions.write_all(format!("{question}\0").as_bytes()).map_err(|_| silent())?;
        loop {
            let mut answer = self.answers.recv_timeout(wait::PATIENCE).map_err(|_| silent())?;
            // Anything else is an event, or an answer that nobody waited for.
            if answer["id"] == self.asked {
                return match answer.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(answer["result"].take()),
                };
            }
        }
    }
}
