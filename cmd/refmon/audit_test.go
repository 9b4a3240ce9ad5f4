package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestAuditorsExampleDetectsChangedByte runs the auditor's example and the commands that README shows
// for it, then changes a byte, which is found (U-74).
func TestAuditorsExampleDetectsChangedByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail")
	refmon := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(args, &streams{in: strings.NewReader(""), out: &out, err: &out}); code != want {
			t.Fatalf("refmon %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, &out)
		}
		return out.String()
	}
	refmon(0, "run", "--quiet", "--audit", dir, "../../examples/audit.star")
	tail := refmon(0, "audit", "tail", "--no-follow", dir)
	for _, line := range []string{
		`S-1-5-20 (NETWORK SERVICE) as S-1-5-21-1-2-3-1107 open File \Files\payroll for ReadData: ` +
			`granted by D:(A;;FR;;;S-1-5-21-1-2-3-513) Domain Users`,
		`DENIED S-1-5-20 (NETWORK SERVICE) as S-1-5-21-1-2-3-1107 open File \Files\payroll for WriteData: ` +
			`denied by D:(D;;FW;;;`,
		`S-1-5-21-1-2-3-500 (Administrator) adjust privileges of S-1-5-21-1-2-3-500 (Administrator) enabling ` +
			`SeSecurityPrivilege`,
		`S-1-5-21-1-2-3-500 (Administrator) use privileges on File \Files\payroll for READ_CONTROL,` +
			`ACCESS_SYSTEM_SECURITY with SeSecurityPrivilege`,
		`S-1-5-20 (NETWORK SERVICE) impersonate upward of S-1-5-21-1-2-3-1107`,
	} {
		check.That(t, strings.Contains(tail, line), "output\n%s\nwant text containing %q", tail, line)
	}
	if out := refmon(0, "audit", "query", dir, "result=failure", "--format", "xml"); strings.Count(out,
		"<Event ") != 1 {
		t.Errorf("XML query printed %s, want one event", out)
	}
	if out := refmon(0, "audit", "verify", dir); !strings.HasPrefix(out, "intact: records 1 to 10") {
		t.Errorf("verification printed %s, want an intact log of 10 records", out)
	}
	refmon(0, "audit", "prove", dir, "5")
	name := filepath.Join(dir, "audit-0000000000000001.log")
	b := check.Must(os.ReadFile(name))
	at := bytes.Index(b, []byte("WriteData"))
	b[at] ^= 1
	check.NoError(t, os.WriteFile(name, b, 0o600))
	if out := refmon(3, "audit", "verify", dir); !strings.HasPrefix(out, "BROKEN: frame: record 5") {
		t.Errorf("verification of the altered log printed %s, want BROKEN at record 5", out)
	}
}

// Each flag of a query selects by its own field, several flags select their intersection, and tail starts at the
// given record.
func TestAuditQueryFlagsSelectIntersection(t *testing.T) {
	dir := newTrail(t, 0)
	// The records 2 to 11 are i = 0 to 9: user i%3, object i%4, failures odd, a privilege
	// from 5 on, hour i; 1 and 12 are the log's own and of today.
	for args, want := range map[string]string{
		"":                              "1 2 3 4 5 6 7 8 9 10 11 12",
		"--user user1":                  "3 6 9",
		"--user S-1-5-21-1-2-3-1002":    "4 7 10",
		"--object /srv/f3":              "5 9",
		"--event 4673":                  "7 8 9 10 11",
		"--result failure":              "3 5 7 9 11",
		"--result success":              "1 2 4 6 8 10 12",
		"--privilege SeTcb*":            "7 8 9 10 11",
		"--since 2024-01-01T07:00:00Z":  "1 9 10 11 12",
		"--until 2024-01-01T02:00:00Z":  "2 3",
		"user=user1":                    "3 6 9",
		"user=user1 --result failure":   "3 9",
		"user=user1 --event 4656":       "3 6",
		"--user user1 --object /srv/f3": "9",
		"--user user1 --privilege Se*":  "9",
		"--object /srv/f3 --result failure --user user0 --event 4656": "5",
		"--since 2024-01-01T02:00:00Z --until 2024-01-01T05:00:00Z":   "4 5 6",
		"--since 2024-01-01T02:00:00Z --user user1":                   "6 9",
		"--until 2024-01-01T05:00:00Z --user user1":                   "3 6",
	} {
		line := append([]string{"audit", "query", dir, "--format", "json"}, strings.Fields(args)...)
		code, out, errs := runLine(line...)
		var ids []string
		for _, m := range regexp.MustCompile(`(?m)^\{"id":(\d+)`).FindAllStringSubmatch(out, -1) {
			ids = append(ids, m[1])
		}
		if got := strings.Join(ids, " "); code != 0 || got != want || errs != "" {
			t.Errorf("%s: exit code %d, %s, want %s\n%s", args, code, got, want, errs)
		}
	}
	for n, want := range map[string]string{"0": "", "1": "12", "3": "10 11 12",
		"12": "1 2 3 4 5 6 7 8 9 10 11 12", "99": "1 2 3 4 5 6 7 8 9 10 11 12"} {
		code, out, _ := runLine("audit", "tail", "--no-follow", dir, "-n", n)
		var ids []string
		for line := range strings.Lines(out) {
			id, _, _ := strings.Cut(line, " ")
			ids = append(ids, id)
		}
		if got := strings.Join(ids, " "); code != 0 || got != want {
			t.Errorf("the last %s: %s, want %s", n, got, want)
		}
	}
	rest := newTrail(t, 1)
	check.NoError(t, os.Remove(filepath.Join(rest, "audit-0000000000000001.log")))
	code, out, errs := runLine("audit", "tail", "--no-follow", rest, "-n", "99")
	check.That(t, code == 0 && strings.HasPrefix(out, "2 ") && strings.Count(out, "\n") == 11,
		"without the first segment: exit code %d, %s%s, want the records 2 to 12", code, out, errs)
	for _, wrong := range []string{"--event x", "--result maybe", "--since yesterday", "--until 2024",
		"--format yaml", "user", `--user x"y"`, "-d missing.yaml"} {
		if code, out, errs := runLine(append([]string{"audit", "query", dir},
			strings.Fields(wrong)...)...); code != 2 || out != "" || errs == "" {
			t.Errorf("%s: exit code %d\n%s%s, want 2, \"\", a non-empty string", wrong, code, out, errs)
		}
	}
	code, out, errs = runLine("audit", "tail", "--no-follow", dir, "-d", "missing.yaml")
	check.That(t, code == 2 && out == "" && strings.Contains(errs, "missing.yaml"),
		"tail without its directory: exit code %d, %q, %q, want 2 and the missing file", code, out, errs)
	for format, want := range map[string]string{"table": `(?m)^2 2024-01-01T00:00:00.000Z user0 open File /srv/f0$`,
		"json": `(?m)^\{"id":2,`, "csv": `(?m)^2,2024-01-01T00:00:00Z,4656,success,File System,dc1,`,
		"xml": `<EventRecordID>2</EventRecordID>[^$]*</Events>\n$`, "ocsf": `"uid":"2"`} {
		if code, out, errs := runLine("audit", "query", dir, "--format", format, "id=2"); code != 0 ||
			!regexp.MustCompile(want).MatchString(out) {
			t.Errorf("format %s: exit code %d, want 0 and the record\n%s%s", format, code, out, errs)
		}
	}
}

// Sums count the selected records, with the requested number of rows, and the page shows the same.
func TestAuditStatsCountSelectedRecords(t *testing.T) {
	dir := newTrail(t, 0)
	const day = "--until=2025-01-01T00:00:00Z"
	rows := func(out, title string) int {
		_, part, ok := strings.Cut(out, "\n"+title+"\n")
		if part, _, _ = strings.Cut("\n"+part, "\n\n"); !ok || strings.TrimSpace(part) == "" {
			return 0
		}
		return len(strings.Split(strings.TrimSpace(part), "\n"))
	}
	for _, c := range []struct {
		args         []string
		head         string
		users, types int
	}{
		{[]string{day}, "10 records, denials among them: 5", 3, 2}, {[]string{day, "--top", "2"},
			"10 records, denials among them: 5", 2, 2},
		{[]string{day, "--top", "0"}, "10 records, denials among them: 5", 0, 0},
		{[]string{day, "--top=-1"}, "10 records, denials among them: 5", 0, 0},
		{[]string{day, "--user", "user1"}, "3 records, denials among them: 2", 1, 2},
		{[]string{day, "--result", "success"}, "5 records, denials among them: 0", 0, 2},
		{[]string{day, "--event", "1"}, "0 records, denials among them: 0", 0, 0},
	} {
		code, out, errs := runLine(append([]string{"audit", "stats", dir}, c.args...)...)
		head, _, _ := strings.Cut(out, "\n")
		if head, _, _ = strings.Cut(head, ", 20"); code != 0 || head != c.head || rows(out, "Denials by user") != c.users ||
			rows(out, "Events") != c.types {
			t.Errorf("%v: exit code %d, want 0 and the tables of the case\n%s%s", c.args, code, out, errs)
		}
	}
	page := filepath.Join(t.TempDir(), "page.html")
	code, out, _ := runLine("audit", "report", dir, "-o", page, "--user", "user1", day)
	b, err := os.ReadFile(page)
	if code != 0 || err != nil || !strings.HasPrefix(out, "3 records, denials among them: 2: see "+page) ||
		!bytes.Contains(b, []byte("<b>3</b> records")) || !bytes.Contains(b, []byte("user1")) ||
		bytes.Contains(b, []byte("user2")) ||
		!bytes.Contains(b, []byte(`<b class="good">intact</b>`)) {
		t.Errorf("exit code %d, %v\n%s\n%s", code, err, out, b)
	}
	for _, args := range [][]string{{"-o", page, "--event", "x"}, {"-o", filepath.Join(page, "below")}, {}} {
		if code, out, errs := runLine(append([]string{"audit", "report", dir}, args...)...); code != 2 ||
			out != "" || errs == "" {
			t.Errorf("%v: exit code %d\n%s%s, want 2, \"\", a non-empty string", args, code, out, errs)
		}
	}
	segments := check.Must(filepath.Glob(filepath.Join(dir, "audit-*.log")))
	check.NoError(t, os.Truncate(segments[0], check.Must(os.Stat(segments[0])).Size()/2))
	code, out, _ = runLine("audit", "report", dir, "-o", page)
	b, err = os.ReadFile(page)
	check.That(t, code == 3 && err == nil && strings.Contains(out, "\nBROKEN: ") &&
		bytes.Contains(b, []byte(`<b class="bad">BROKEN</b>`)), "a damaged log (U-72): exit code %d, %v\n%s", code, err, out)
	for _, verb := range []string{"tail", "query", "stats", "verify", "prove"} {
		if code, _, errs := runLine("audit", verb, filepath.Join(dir, "none"), map[bool]string{true: "1",
			false: ""}[verb == "prove"]); code != 2 || errs == "" {
			t.Errorf("%s of no log: exit code %d, %s, want 2, a non-empty string", verb, code, errs)
		}
	}
}

// A change applies to the named subcategories, is stored, and is recorded in the log with the previous setting (U-2,
// U-85).
func TestAuditPolicyChangeRecordsOldSetting(t *testing.T) {
	dir := newTrail(t, 0)
	setting := func(name string) string {
		code, out, errs := runLine("audit", "policy", dir)
		m := regexp.MustCompile(`(?m)^  ` + name + `  +(\S.*)$`).FindStringSubmatch(out)
		check.RequireThat(t, code == 0 && m != nil,
			"%s: exit code %d, want 0 and the setting\n%s%s", name, code, out, errs)
		return m[1]
	}
	const name = "Registry"
	for _, c := range []struct{ flags, want, record string }{
		{"--success enable", "Success", "success added"}, {"--failure enable", "Success and Failure",
			"failure added"},
		{"--success disable", "Failure", "success removed"}, {"--failure disable", "No Auditing", "failure removed"},
		{"--success enable --failure enable", "Success and Failure", "success added, failure added"},
	} {
		code, out, errs := runLine(append([]string{"audit", "policy", dir, "--subcategory", name},
			strings.Fields(c.flags)...)...)
		if code != 0 || out != "" || setting(name) != c.want {
			t.Errorf("%s: exit code %d, setting %s, want the setting of the case\n%s%s",
				c.flags, code, setting(name), out, errs)
		}
		_, tail, _ := runLine("audit", "tail", "--no-follow", dir, "-n", "2") // the last one is the end of the log
		line, _, _ := strings.Cut(tail, "\n")
		if !strings.HasSuffix(line, " change the audit policy Registry: "+c.record) ||
			!regexp.MustCompile(`^\d+ 20[2-9]\d-`).MatchString(line) {
			t.Errorf("%s: record %s, want the change of the audit policy", c.flags, line)
		}
	}
	if runLine("audit", "policy", dir, "--subcategory", "File System", "--subcategory", "Logon", "--success",
		"disable", "--failure", "enable"); setting(
		"File System") != "Failure" || setting("Logon") != "Failure" || setting(name) != "Success and Failure" {
		t.Errorf("two settings in one command: File System %s, Logon %s, %s %s, want Failure, Failure, Success and Failure",
			setting("File System"), setting("Logon"), name, setting(name))
	}
	for _, args := range [][]string{{"--success", "enable"}, {"--failure", "disable"}, {"--subcategory", name},
		{"--subcategory", "Nonsense", "--success", "enable"}, {"--subcategory", name, "--success", "maybe"},
		{"--subcategory", name, "--success", "disable", "--audit-key", filepath.Join(dir, "none")}} {
		if code, out, errs := runLine(append([]string{"audit", "policy", dir}, args...)...); code != 2 ||
			out != "" || errs == "" ||
			setting(name) != "Success and Failure" {
			t.Errorf("%v: exit code %d, setting %s, want a refusal without a change\n%s%s",
				args, code, setting(name), out, errs)
		}
	}
	fresh := filepath.Join(t.TempDir(), "fresh") // a folder without a log
	if code, _, errs := runLine("audit", "policy", fresh, "--subcategory", name, "--failure", "enable"); code != 0 {
		t.Errorf("a missing folder: exit code %d, %s, want 0", code, errs)
	}
	if left, err := os.ReadDir(fresh); err != nil || len(left) != 1 || left[0].Name() != "policy.txt" {
		t.Errorf("files in the folder = %v, %v, want only policy.txt", left, err)
	}
}
