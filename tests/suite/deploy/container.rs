//! examples/deploy: Dockerfile and kubernetes.yaml. No engine for containers is at hand, so both
//! are read: what they start is started by hand, and what they say twice must agree.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};

use crate::deploy::config_files::example;
use crate::support::{Engine, Launch, Server, repository, virtual_environment};

/// The Dockerfile's instructions, each on one line.
struct Dockerfile(Vec<(String, String)>);

impl Dockerfile {
    fn read() -> Dockerfile {
        let text = example("Dockerfile");
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
        let instructions = text.lines().filter_map(|line| line.trim().split_once(' '));
        Dockerfile(instructions.map(|(name, rest)| (name.into(), rest.trim().into())).collect())
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let found = self.0.iter().filter(|(known, _)| known == name);
        found.map(|(_, rest)| rest.as_str()).collect()
    }

    /// The only one in the last stage.
    fn last(&self, name: &str) -> &str {
        let stage = self.0.iter().rposition(|(known, _)| known == "FROM").unwrap();
        let mut found = self.0[stage..].iter().filter(|(known, _)| known == name);
        let (Some((_, rest)), None) = (found.next(), found.next()) else {
            panic!("not one {name} in the last stage")
        };
        rest
    }

    /// Where an instruction of the last stage stands.
    fn place(&self, name: &str) -> usize {
        self.0.iter().rposition(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// What runs in the image.
    fn command(&self) -> Vec<String> {
        exec_form(self.last("CMD"))
    }
}

/// The words of `["a", "b"]`: no shell stands between them and the program.
fn exec_form(text: &str) -> Vec<String> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let inside = inside.unwrap_or_else(|| panic!("not in the exec form: {text}"));
    inside.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Starts what an image is told to run, in a directory as the image's.
fn start(words: &[String], variables: &[(String, String)]) -> Server {
    let (program, arguments) = words.split_first().unwrap();
    assert_eq!(program, "unicoro");
    assert!(words.iter().any(|word| word == "0.0.0.0:8000"), "{words:?}");
    let here = |word: &String| word.replace("0.0.0.0:8000", "fd://3");
    let mut launch = Launch::new(Engine::Coroutine);
    let app = std::fs::read_to_string(repository().join("examples/hello/app.py")).unwrap();
    launch.scratch.write("app.py", &app);
    for (name, value) in variables {
        launch = launch.env(name, value);
    }
    launch.args(&arguments.iter().map(here).collect::<Vec<_>>()).start()
}

#[test]
fn the_image_is_made_of_what_there_is() {
    let file = Dockerfile::read();
    let images: Vec<&str> =
        file.all("FROM").iter().map(|from| from.split(' ').next().unwrap()).collect();
    assert_eq!(images[0], images[1], "the wheel is for its image's Python");
    for script in file.all("RUN") {
        let parsed = Command::new("sh").args(["-n", "-c", script]).output().unwrap();
        assert!(parsed.status.success(), "{script}: {parsed:?}");
    }
    let copied = file.all("COPY");
    assert!(copied.contains(&"--from=build /wheels /wheels"), "{copied:?}");
    assert!(file.last("RUN").contains("pip install --no-cache-dir /wheels/*.whl"));
    let wheel = "pip wheel --no-deps --wheel-dir /wheels .";
    let build = file.all("RUN").iter().any(|run| run.contains(wheel));
    assert!(build && file.all("WORKDIR")[0] == "/src");
    let ignored = example("Dockerfile.dockerignore");
    for source in copied.iter().filter(|copy| !copy.starts_with("--from")) {
        let source = source.split(' ').next().unwrap();
        assert!(repository().join(source).exists(), "{source}");
        assert!(!ignored.lines().any(|line| source.starts_with(line)), "{source} is ignored");
    }
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "pyproject.toml",
        "README.md",
        "build.rs",
        "src",
        "wheel",
        "worker-engines",
    ] {
        assert!(repository().join(needed).exists() && !ignored.lines().any(|line| line == needed));
    }
}

#[test]
fn the_image_does_not_run_as_root() {
    let file = Dockerfile::read();
    let user: u32 = file.last("USER").parse().expect("a number");
    assert_ne!(user, 0);
    assert!(file.last("RUN").starts_with(&format!("useradd --uid {user} ")));
    assert!(file.place("RUN") < file.place("USER") && file.place("USER") < file.place("CMD"));
}

#[test]
fn the_image_serves_and_its_health_check_tells_whether_it_does() {
    let file = Dockerfile::read();
    assert_eq!(file.last("EXPOSE"), "8000");
    let server = start(&file.command(), &[]);
    let (_, check) = file.last("HEALTHCHECK").split_once(" CMD ").unwrap();
    let check = exec_form(check);
    assert_eq!(check[0], "python3");
    let address = server.address.to_string();
    let is_healthy = || {
        let words = check[1..].iter().map(|word| word.replace("127.0.0.1:8000", &address));
        let python = virtual_environment().join("bin/python3");
        let checked = Command::new(python).args(words).stderr(Stdio::null()).status();
        checked.unwrap().success()
    };
    assert!(is_healthy());
    server.stop();
    assert!(!is_healthy());
}

/// The manifest's values by their paths, such as `Service.spec.ports.0.port`.
fn manifest() -> HashMap<String, String> {
    const FLATTEN: &str = "
import sys, yaml

def flatten(node, *path):
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in pairs:
        if isinstance(value, (dict, list)):
            flatten(value, *path, key)
        else:
            print('.'.join(map(str, (*path, key))), value, sep='=')

for document in yaml.safe_load_all(open(sys.argv[1])):
    flatten(document, document['kind'])
";
    let Output { status, stdout, stderr } = Command::new(virtual_environment().join("bin/python3"))
        .args(["-c", FLATTEN])
        .arg(repository().join("examples/deploy/kubernetes.yaml"))
        .output()
        .unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let text = String::from_utf8(stdout).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(path, value)| (path.to_owned(), value.to_owned())).collect()
}

/// The values of a list, in order.
fn list(manifest: &HashMap<String, String>, path: &str) -> Vec<String> {
    (0..).map_while(|index| manifest.get(&format!("{path}.{index}")).cloned()).collect()
}

const POD: &str = "Deployment.spec.template.spec";
const CONTAINER: &str = "Deployment.spec.template.spec.containers.0";

#[test]
fn the_pod_serves_as_its_manifest_says() {
    let manifest = manifest();
    let variables: Vec<(String, String)> = (0..)
        .map_while(|index| {
            let entry = format!("{CONTAINER}.env.{index}");
            let name = manifest.get(&format!("{entry}.name"))?.clone();
            Some((name, manifest[&format!("{entry}.value")].clone()))
        })
        .collect();
    assert!(!variables.is_empty());
    let words = list(&manifest, &format!("{CONTAINER}.args"));
    let server = start(&words, &variables);
    for probe in ["startupProbe", "readinessProbe"] {
        let path = &manifest[&format!("{CONTAINER}.{probe}.httpGet.path")];
        assert_eq!(server.get(path).status, 200, "{probe}");
    }
    assert!(server.scratch.read("stdout").starts_with("{\"time\":"), "its log is on stdout");
    server.stop();
}

#[test]
fn the_pods_numbers_agree_with_each_other_and_with_the_image() {
    let manifest = manifest();
    let number = |path: String| -> u64 {
        let value = manifest.get(&path).unwrap_or_else(|| panic!("no {path}"));
        value.parse().unwrap_or_else(|_| panic!("{path}: {value}"))
    };
    let port = number(format!("{CONTAINER}.ports.0.containerPort"));
    assert_eq!(port.to_string(), Dockerfile::read().last("EXPOSE"));
    for probe in ["startupProbe.httpGet", "readinessProbe.httpGet", "livenessProbe.tcpSocket"] {
        assert_eq!(number(format!("{CONTAINER}.{probe}.port")), port, "{probe}");
    }
    assert_eq!(number("Service.spec.ports.0.targetPort".into()), port);
    for selector in ["Deployment.spec.selector.matchLabels.app", "Service.spec.selector.app"] {
        assert_eq!(manifest[selector], manifest["Deployment.spec.template.metadata.labels.app"]);
    }
    assert_eq!(manifest[&format!("{POD}.securityContext.runAsNonRoot")], "True");
    let user = number(format!("{POD}.securityContext.runAsUser"));
    assert_eq!(user.to_string(), Dockerfile::read().last("USER"));

    // TERM comes when preStop has ended; then requests get graceful_timeout.
    let stop = list(&manifest, &format!("{CONTAINER}.lifecycle.preStop.exec.command"));
    assert_eq!(stop[0], "sleep");
    let words = list(&manifest, &format!("{CONTAINER}.args"));
    let mut server = start(&[words, vec!["--print-config".into()]].concat(), &[]);
    assert_eq!(server.exit_code(), 0);
    let printed = server.scratch.read("stdout");
    let graceful = printed.lines().find(|line| line.starts_with("graceful_timeout ")).unwrap();
    let graceful: u64 = graceful.split(' ').find_map(|word| word.parse().ok()).unwrap();
    let needed = stop[1].parse::<u64>().unwrap() + graceful;
    assert!(number(format!("{POD}.terminationGracePeriodSeconds")) > needed);
}
