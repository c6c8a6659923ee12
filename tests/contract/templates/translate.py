"""Run by sam's python: templates as JSON on stdin, what SAM makes of each on stdout."""

from __future__ import annotations

import json
import os
import sys

os.environ["AWS_DEFAULT_REGION"] = "eu-central-1"

from samtranslator.translator.transform import transform

BUCKET = "s3://bucket/key"
URL = "https://s3.eu-central-1.amazonaws.com/bucket/key"
UPLOADED = {"CodeUri": BUCKET, "ContentUri": BUCKET, "DefinitionUri": BUCKET, "Location": URL}

templates = json.load(sys.stdin)
for template in templates.values():
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for local, uploaded in UPLOADED.items():
            if local in properties:  # `sam package` would have uploaded it
                properties[local] = uploaded

json.dump({name: transform(template, {}, None) for name, template in templates.items()}, sys.stdout)
