"""Look the locked packages up in the advisories: `audit.py PIP_AUDIT LOCK`.

Ends with 1 when one of them has a known advisory. Where the service cannot be reached, or knows
none of the packages (a mirror without advisories), that is said and nothing is claimed.
"""

import json
import subprocess
import sys


def main(tool: str, lock: str) -> int:
    """Print what is known of each package; 1 for an advisory."""
    asked = [tool, "--requirement", lock, "--require-hashes", "--disable-pip", "--format", "json"]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    try:
        looked_up = json.loads(ended.stdout)["dependencies"]
    except ValueError:
        said = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"NOT AUDITED: the advisories cannot be reached: {said[:200]}")
        return 0
    known = [one for one in looked_up if "vulns" in one]
    advisories = [(one, each) for one in known for each in one["vulns"]]
    for one, each in advisories:
        fixed = ", ".join(each["fix_versions"]) or "none yet"
        print(f"{one['name']} {one['version']}: {each['id']}; fixed in {fixed}")
    if len(known) < len(looked_up):
        print(f"NOT AUDITED: {len(looked_up) - len(known)} of {len(looked_up)} packages, of which")
        print("the service knows nothing")
    else:
        print(f"{len(known)} packages looked up, {len(advisories)} advisories")
    return 1 if advisories else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
