//! gunicorn's names that have no row yet. Data only.
//!
//! For messages: a name from here gets "not supported yet" instead of "unknown". The rule: a name
//! leaves this list when its row comes; a test sees to it.

/// A setting of gunicorn's without a row.
pub struct NotYet {
    /// Its name in a config file.
    pub name: &'static str,
    /// Its flags.
    pub flags: &'static [&'static str],
}

const fn not_yet(name: &'static str, flags: &'static [&'static str]) -> NotYet {
    NotYet { name, flags }
}

/// Every setting of gunicorn 27.0.1 that has no row.
pub static NOT_YET: &[NotYet] = &[
    not_yet("reload", &["--reload"]),
    not_yet("reload_engine", &["--reload-engine"]),
    not_yet("reload_extra_files", &["--reload-extra-file"]),
    not_yet("spew", &["--spew"]),
    not_yet("sendfile", &["--no-sendfile"]),
    not_yet("reuse_port", &["--reuse-port"]),
    not_yet("daemon", &["-D", "--daemon"]),
    not_yet("worker_tmp_dir", &["--worker-tmp-dir"]),
    not_yet("user", &["-u", "--user"]),
    not_yet("group", &["-g", "--group"]),
    not_yet("initgroups", &["--initgroups"]),
    not_yet("tmp_upload_dir", &[]),
    not_yet("disable_redirect_access_to_syslog", &["--disable-redirect-access-to-syslog"]),
    not_yet("capture_output", &["--capture-output"]),
    not_yet("logger_class", &["--logger-class"]),
    not_yet("logconfig", &["--log-config"]),
    not_yet("logconfig_dict", &[]),
    not_yet("logconfig_json", &["--log-config-json"]),
    not_yet("syslog", &["--log-syslog"]),
    not_yet("syslog_addr", &["--log-syslog-to"]),
    not_yet("syslog_prefix", &["--log-syslog-prefix"]),
    not_yet("syslog_facility", &["--log-syslog-facility"]),
    not_yet("enable_stdio_inheritance", &["-R", "--enable-stdio-inheritance"]),
    not_yet("statsd_host", &["--statsd-host"]),
    not_yet("statsd_prefix", &["--statsd-prefix"]),
    not_yet("dogstatsd_tags", &["--dogstatsd-tags"]),
    not_yet("enable_backlog_metric", &["--enable-backlog-metric"]),
    not_yet("proc_name", &["-n", "--name"]),
    not_yet("default_proc_name", &[]),
    not_yet("paste", &["--paste", "--paster"]),
    not_yet("raw_paste_global_conf", &["--paste-global"]),
    not_yet("keyfile", &["--keyfile"]),
    not_yet("certfile", &["--certfile"]),
    not_yet("ca_certs", &["--ca-certs"]),
    not_yet("cert_reqs", &["--cert-reqs"]),
    not_yet("ciphers", &["--ciphers"]),
    not_yet("ssl_version", &["--ssl-version"]),
    not_yet("suppress_ragged_eofs", &["--suppress-ragged-eofs"]),
    not_yet("do_handshake_on_connect", &["--do-handshake-on-connect"]),
    not_yet("http_protocols", &["--http-protocols"]),
    not_yet("http2_cleartext", &["--http2-cleartext"]),
    not_yet("http2_max_concurrent_streams", &["--http2-max-concurrent-streams"]),
    not_yet("http2_initial_window_size", &["--http2-initial-window-size"]),
    not_yet("http2_max_frame_size", &["--http2-max-frame-size"]),
    not_yet("http2_max_header_list_size", &["--http2-max-header-list-size"]),
    not_yet("http_parser", &["--http-parser"]),
    not_yet("protocol", &["--protocol"]),
    not_yet("uwsgi_allow_ips", &["--uwsgi-allow-from"]),
    not_yet("control_socket", &["--control-socket"]),
    not_yet("control_socket_mode", &["--control-socket-mode"]),
    not_yet("control_socket_disable", &["--no-control-socket"]),
    not_yet("asgi_loop", &["--asgi-loop"]),
    not_yet("asgi_lifespan", &["--asgi-lifespan"]),
    not_yet("asgi_disconnect_grace_period", &["--asgi-disconnect-grace-period"]),
    not_yet("root_path", &["--root-path"]),
    not_yet("websocket_max_message_size", &["--websocket-max-message-size"]),
    not_yet("dirty_apps", &["--dirty-app"]),
    not_yet("dirty_workers", &["--dirty-workers"]),
    not_yet("dirty_timeout", &["--dirty-timeout"]),
    not_yet("dirty_threads", &["--dirty-threads"]),
    not_yet("dirty_graceful_timeout", &["--dirty-graceful-timeout"]),
];

/// Functions that gunicorn calls when a config file defines them.
pub static HOOKS: &[&str] = &[
    "on_starting",
    "on_reload",
    "when_ready",
    "pre_exec",
    "on_exit",
    "pre_fork",
    "post_fork",
    "child_exit",
    "worker_exit",
    "post_worker_init",
    "worker_int",
    "worker_abort",
    "pre_request",
    "post_request",
    "nworkers_changed",
    "ssl_context",
    "on_dirty_starting",
    "dirty_post_fork",
    "dirty_worker_init",
    "dirty_worker_exit",
];

/// Whether gunicorn has a setting of this name that has no row.
pub fn is_not_yet(name: &str) -> bool {
    NOT_YET.iter().any(|setting| setting.name == name)
}

/// The row-less setting that a flag belongs to.
pub fn not_yet_by_flag(flag: &str) -> Option<&'static NotYet> {
    NOT_YET.iter().find(|setting| setting.flags.contains(&flag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::setting::Spelling;
    use crate::config::table::TABLE;

    #[test]
    fn what_has_a_row_is_no_longer_listed() {
        for row in TABLE {
            assert!(!is_not_yet(row.name), "{}", row.name);
            assert!(!HOOKS.contains(&row.name), "{}", row.name);
            if let Spelling::Flag { long, .. } = row.spelling {
                for word in long {
                    assert!(not_yet_by_flag(&format!("--{word}")).is_none(), "{word}");
                }
            }
        }
    }
}
