//! The report of a window that was rolled back, as the daemon keeps it.

use smokejumper::clock::WallTime;
use smokejumper::report::wall::rfc3339;

/// The report.
pub fn report(started: WallTime, finished: WallTime) -> serde_json::Value {
    let check = |id: &str, kind: &str, verdict: &str| {
        serde_json::json!({
            "id": id, "kind": kind, "service": "api", "verdict": verdict, "samples": 75,
            "failed": 0, "errored": 0, "unknown": 0, "error_rate": 0.0,
            "latency_ms": {"p50": 21.4, "p90": 30.0, "p95": 31.0, "p99": null, "max": 34.2},
            "phases_ms": {}, "readings": {}, "reasons": [],
            "limits": [
                {"subject": "error_rate", "level": "critical", "limit": 0.05, "text": "> 5 %"},
                {"subject": "p95", "level": "warning", "limit": 0.08, "text": "> 80 ms"},
                {"subject": "p95", "level": "critical", "limit": 0.15, "text": "> 150 ms", "for_s": 60.0}
            ],
            "before": {"samples": 480, "p50_ms": 26.0, "p95_ms": 32.0},
            "assurance": {"text": "a fault at 5 % would have been noticed in 99 % of windows"}
        })
    };
    let mut bad = check("api-health", "http", "fail");
    bad["failed"] = 5.into();
    bad["errored"] = 4.into();
    bad["error_rate"] = 0.12.into();
    bad["latency_ms"]["p95"] = 121.0.into();
    bad["reasons"] = serde_json::json!([{
        "code": "error_rate", "level": "critical", "measured": 0.12, "limit": 0.05, "samples": 75,
        "first_bad": null, "text": "error rate 12 % over 75 samples, limit 5 %",
        "evidence": {"interval": [0.05, 0.21], "chance": 0.0004, "checks": 1, "rule": "sequence",
            "text": "true rate 5 % to 21 %; chance alone gives as much in 1 of 2,500 healthy windows"}
    }]);
    serde_json::json!({
        "schema": "smokejumper.report/1", "command": "serve", "window": super::scene::CLOSED,
        "service": "api", "started": rfc3339(started), "finished": rfc3339(finished),
        "judge": "sequential", "verdict": "fail", "exit_code": 10,
        "checks": [bad, check("api-search", "http", "pass"), check("db-connections", "postgres", "pass")],
        "deployment": {"arn": "arn:aws:ecs:eu-west-1:1:service-deployment/prod/api/abb", "from": "api:39", "to": "api:40"},
        "decision": {"action": "roll_back", "because": ["api-health: error_rate"]},
        "rollback": {"outcome": "rolled_back_verified", "actuator": "update_service", "from": "api:40", "to": "api:39",
            "started": rfc3339(started), "finished": rfc3339(finished),
            "because": "api:39 runs again, alone and whole, and 3 of 3 checks pass",
            "verification": [check("api-health", "http", "pass"), check("api-search", "http", "pass")]},
        "diagnosis": {
            "events": [{"at": rfc3339(started), "text": "(service api) has started 2 tasks: (task 0a1b)"}],
            "stopped_tasks": [{"id": "0a1b2c", "revision": "api:40", "code": "EssentialContainerExited",
                "reason": "Essential container in task exited", "at": null,
                "containers": [{"name": "app", "exit_code": 137, "reason": "OutOfMemoryError",
                    "log": ["GET /health 200 12ms", "GET /search 500 901ms", "fatal: out of memory"]}]}],
            "target_health": [{"target": "10.0.1.5:8080", "group": "api", "state": "unhealthy", "reason": "Target.Timeout"}],
            "differences": [{"name": "image of app", "from": "api@sha256:1111", "to": "api@sha256:2222"},
                {"name": "memory of app", "from": "512", "to": "256"}]
        }
    })
}
