"""Run by scan's python with a scanner's name: templates as JSON on stdin, findings on stdout.

checkov and AWS's validator are called as libraries: checkov's command would load every framework
that it knows. Nothing here opens a connection.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

Found = list[dict[str, str]]


def checkov(templates: dict[str, Any], _region: str) -> Found:
    os.environ["LOG_LEVEL"] = "ERROR"  # read at import: its warnings would bury what matters
    from checkov.cloudformation.runner import Runner  # type: ignore[import-not-found]
    from checkov.runner_filter import RunnerFilter  # type: ignore[import-not-found]

    _build_each_grammar_once()
    with tempfile.TemporaryDirectory() as folder:
        for name, template in templates.items():
            Path(folder, f"{name}.json").write_text(json.dumps(template, indent=1))
        report = Runner().run(
            root_folder=folder,
            runner_filter=RunnerFilter(framework=["cloudformation"], show_progress_bar=False),
        )
    unread = [
        {"stack": Path(path).stem, "rule": "unread", "text": "checkov cannot read it"}
        for path in report.parsing_errors
    ]
    failed = [
        {
            "stack": Path(check.file_path).stem,
            "name": check.resource.rpartition(".")[2],
            "kind": check.resource.rpartition(".")[0],
            "rule": check.check_id,
            "text": check.check_name,
        }
        for check in report.failed_checks
    ]
    return unread + failed


def _build_each_grammar_once() -> None:
    """checkov's JSON paths build the same grammar anew for every path: half of its time."""
    import ply.yacc  # type: ignore[import-not-found,unused-ignore]

    build, built = ply.yacc.yacc, {}

    def once(*, module: object, start: str, **options: object) -> object:
        key = type(module), start
        if key not in built:
            built[key] = build(module=module, start=start, **options)
        return built[key]

    ply.yacc.yacc = once


def cloudformation_validate(templates: dict[str, Any], region: str) -> Found:
    import cloudformation_validate as validator  # type: ignore[import-not-found]

    engine = validator.CelEngine()
    config = validator.ValidateConfig(
        severity_level=validator.Severity.DEBUG,
        pseudo_parameter_overrides=validator.PseudoParameterOverrides(region=region),
    )
    found: Found = []
    for stack, template in templates.items():
        content = validator.TemplateContent(json.dumps(template), f"{stack}.json")
        report = engine.validate_template(content, config)
        if report.status != validator.ReportStatus.OK:
            found.append({"stack": stack, "rule": "unread", "text": report.status.name})
        found += [{"stack": stack} | _said(diagnostic) for diagnostic in report.diagnostics]
    return found


def _said(diagnostic: Any) -> dict[str, str]:
    entity = diagnostic.entity
    return {
        "name": entity.logical_id if entity else "",
        "kind": (entity.resource_type or entity.entity_type.name.title()) if entity else "",
        "rule": diagnostic.rule_id,
        "text": diagnostic.message,
        "path": diagnostic.property_path or "",
    }


SCANNERS = {"checkov": checkov, "cloudformation-validate": cloudformation_validate}


def main(tool: str) -> None:
    given = json.load(sys.stdin)
    out = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no finding
    found = SCANNERS[tool](given["templates"], given["region"])
    json.dump([{"tool": tool} | it for it in found], out)


main(sys.argv[1])
