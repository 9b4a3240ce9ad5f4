#!/usr/bin/env python3
"""Runs refmon's access vectors against a program that answers JSON lines.

    python3 vectors/run.py refmon check --batch -
    python3 vectors/run.py ./your-program --its --arguments

The program gets one question a line on standard input and answers each with
one line on standard output at once, in the same order; it is started once and
kept running. vectors/README.md has the format. The exit code is 0 when every
answer holds, 1 when one differs, 2 when the program could not be asked.
"""
import argparse
import json
import pathlib
import subprocess
import sys


def differences(want, got):
    """What of the expected fields the answer lacks or has otherwise."""
    return [f"{name}: {got.get(name)!r}, want {value!r}" for name, value in want.items() if got.get(name) != value]


def ask(child, question):
    """Asks one question and returns the answer."""
    child.stdin.write(json.dumps(question, separators=(",", ":")) + "\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        raise EOFError("the program stopped without an answer")
    return json.loads(line)


def run(command, files, kinds):
    """Asks all questions; returns how many were asked and how many differ."""
    asked = failed = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                vector = json.loads(line)
                if vector["provenance"]["kind"] not in kinds:
                    continue
                asked += 1
                wrong = differences(vector["out"], ask(child, vector["in"]))
                if wrong:
                    failed += 1
                    rules = " ".join(vector["provenance"]["rules"])
                    print(f"{vector['in']['id']} ({rules}, {vector['provenance']['kind']}): {vector['about']}")
                    print("  " + "\n  ".join(wrong))
        child.stdin.close()
    return asked, failed


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=pathlib.Path, action="append", help="vectors to run (access.jsonl)")
    parser.add_argument("--kind", action="append", choices=["documented", "recorded", "decided"], help="only these (all)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the program and its arguments")
    options = parser.parse_args()
    if not options.command:
        parser.error("which program? such as: refmon check --batch -")
    try:
        asked, failed = run(options.command, options.file or [here / "access.jsonl"], options.kind or ["documented", "recorded", "decided"])
    except (OSError, EOFError, json.JSONDecodeError) as err:
        print(f"{options.command[0]}: {err}", file=sys.stderr)
        return 2
    print(f"{failed} of {asked} differ" if failed else f"all {asked} hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
