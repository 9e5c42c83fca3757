"""Sums the trx reports of all test projects and checks that each project ran or skipped (with a reason) at least one test.

usage: sum-results.py RESULTS_FOLDER TESTS_FOLDER
The last line printed is `N passed, N failed, N skipped`; exit code 1 when a test failed or a project is silent.
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

NS = {"t": "http://microsoft.com/schemas/VisualStudio/TeamTest/2010"}


def main(results: pathlib.Path, tests: pathlib.Path) -> int:
    expected = sorted(p.stem for p in tests.glob("*.Tests/*.csproj"))
    totals = {"Passed": 0, "Failed": 0, "NotExecuted": 0}
    seen = dict.fromkeys(expected, 0)
    problems = []
    for report in sorted(results.rglob("*.trx")):
        root = ElementTree.parse(report).getroot()
        storages = {unit.get("storage", "").lower() for unit in root.iterfind(".//t:UnitTest", NS)}
        project = next((name for name in expected if any(f"troupe.{name}.dll".lower() in s for s in storages)), None)
        for result in root.iterfind(".//t:UnitTestResult", NS):
            outcome = result.get("outcome", "")
            outcome = outcome if outcome in totals else "Failed"
            totals[outcome] += 1
            if project:
                seen[project] += 1
            reason = "".join(result.itertext()).strip()
            if outcome == "NotExecuted" and not reason:
                problems.append(f"{result.get('testName')}: skipped without a reason")
    for name, count in seen.items():
        print(f"{name}: {count} results")
        if count == 0:
            problems.append(f"{name}: neither ran nor skipped a test")
    for problem in problems:
        print(f"problem: {problem}")
    print(f"{totals['Passed']} passed, {totals['Failed']} failed, {totals['NotExecuted']} skipped")
    return 1 if problems or totals["Failed"] else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
