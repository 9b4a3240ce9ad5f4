package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// asked runs one command line and returns its exit code and what it printed.
func asked(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, &streams{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

// madeTrail writes a log of ten records between its first, 1, and its last, 12; small
// segments are given as their bytes, 0 for one segment.
func madeTrail(t *testing.T, segment int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "trail")
	l, err := auditlog.Open(auditlog.Config{Dir: dir, SegmentBytes: segment})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		outcome, event, privilege := "success", 4656, `"-"`
		if i%2 == 1 {
			outcome = "failure"
		}
		if i >= 5 {
			event, privilege = 4673, `["SeTcbPrivilege"]`
		}
		text := fmt.Sprintf(`{"id":0,"time":"2024-01-01T%02d:00:00Z","event":%d,"version":0,"outcome":"%s",`+
			`"subcategory":"File System","subcategory_guid":"","computer":"dc1",`+
			`"data":{"SubjectUserSid":"S-1-5-21-1-2-3-%d",`+
			`"SubjectUserName":"user%d","ObjectType":"File","ObjectName":"/srv/f%d","PrivilegeList":%s},`+
			`"access":[],"chain":""}`,
			i, event, outcome, 1000+i%3, i%3, i%4, privilege)
		e, err := audit.ParseEvent([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAuditFlags: each flag of a query chooses by its own field, all of them together
// choose what each chooses, and tail begins where it was told to.
func TestAuditFlags(t *testing.T) {
	dir := madeTrail(t, 0)
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
		code, out, errs := asked(line...)
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
		code, out, _ := asked("audit", "tail", "--no-follow", dir, "-n", n)
		var ids []string
		for line := range strings.Lines(out) {
			id, _, _ := strings.Cut(line, " ")
			ids = append(ids, id)
		}
		if got := strings.Join(ids, " "); code != 0 || got != want {
			t.Errorf("the last %s: %s, want %s", n, got, want)
		}
	}
	for _, wrong := range []string{"--event x", "--result maybe", "--since yesterday", "--until 2024",
		"--format yaml", "user"} {
		if code, out, errs := asked(append([]string{"audit", "query", dir},
			strings.Fields(wrong)...)...); code != 2 || out != "" || errs == "" {
			t.Errorf("%s: exit code %d\n%s%s", wrong, code, out, errs)
		}
	}
	for format, want := range map[string]string{"table": `(?m)^2 2024-01-01T00:00:00.000Z user0 open File /srv/f0$`,
		"json": `(?m)^\{"id":2,`, "csv": `(?m)^2,2024-01-01T00:00:00Z,4656,success,File System,dc1,`,
		"xml": `<EventRecordID>2</EventRecordID>[^$]*</Events>\n$`, "ocsf": `"uid":"2"`} {
		if code, out, errs := asked("audit", "query", dir, "--format", format, "id=2"); code != 0 ||
			!regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s: exit code %d\n%s%s", format, code, out, errs)
		}
	}
}

// TestAuditStats: sums are of the records that the flags choose, with as many rows as were
// asked for, and a page shows the same.
func TestAuditStats(t *testing.T) {
	dir := madeTrail(t, 0)
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
		code, out, errs := asked(append([]string{"audit", "stats", dir}, c.args...)...)
		if code != 0 || !strings.HasPrefix(out, c.head+", ") || rows(out, "Denials by user") != c.users ||
			rows(out, "Events") != c.types {
			t.Errorf("%v: exit code %d\n%s%s", c.args, code, out, errs)
		}
	}
	page := filepath.Join(t.TempDir(), "page.html")
	code, out, _ := asked("audit", "report", dir, "-o", page, "--user", "user1", day)
	b, err := os.ReadFile(page)
	if code != 0 || err != nil || !strings.HasPrefix(out, "3 records, denials among them: 2: see "+page) ||
		!bytes.Contains(b, []byte("<b>3</b> records")) || !bytes.Contains(b, []byte("user1")) ||
		bytes.Contains(b, []byte("user2")) ||
		!bytes.Contains(b, []byte(`<b class="good">intact</b>`)) {
		t.Errorf("exit code %d, %v\n%s\n%s", code, err, out, b)
	}
	for _, args := range [][]string{{"-o", page, "--event", "x"}, {"-o", filepath.Join(page, "below")}, {}} {
		if code, out, errs := asked(append([]string{"audit", "report", dir}, args...)...); code != 2 ||
			out != "" || errs == "" {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
	for _, verb := range []string{"tail", "query", "stats", "verify", "prove"} {
		if code, _, errs := asked("audit", verb, filepath.Join(dir, "none"), map[bool]string{true: "1",
			false: ""}[verb == "prove"]); code != 2 || errs == "" {
			t.Errorf("%s of no log: exit code %d, %s", verb, code, errs)
		}
	}
}

// TestAuditVerifyFlags: every checkpoint and every key that is given counts, and a range
// reads what it says; a fault is exit code 3, and what cannot be asked is 2 (U-72).
func TestAuditVerifyFlags(t *testing.T) {
	dir := madeTrail(t, 2_000)
	other := madeTrail(t, 0)
	point, foreign := filepath.Join(dir, "checkpoint"), filepath.Join(other, "checkpoint")
	key, foreignKey := filepath.Join(dir, "key.pub"), filepath.Join(other, "key.pub")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 0, "(?m)^intact: records 1 to 12, .*\n(?s).*not known: .*--checkpoint FILE.*not known: .*--key FILE"},
		{"--checkpoint " + point, 0, "1 of 1 checkpoints from elsewhere"},
		{"--checkpoint " + point + " --checkpoint " + point, 0, "2 of 2 checkpoints from elsewhere"},
		{"--checkpoint " + foreign, 3, "^BROKEN: signature: "},
		{"--checkpoint " + foreign + " --checkpoint " + point, 3, "^BROKEN: signature: "},
		{"--checkpoint " + point + " --checkpoint " + foreign, 3, "^BROKEN: signature: "},
		{"--key " + key, 0, "^intact: records 1 to 12"}, {"--key " + foreignKey, 3, "^BROKEN: signature: "},
		{"--key " + key + " --key " + foreignKey, 0, "^intact"}, {"--key " + foreignKey + " --key " + key, 0,
			"^intact"},
		{"--from 12", 0, "^intact: records ([2-9]|1[0-2]) to 12"}, {"--from 1", 0, "^intact: records 1 to 12"},
		{"--to 3", 0, "^intact: records 1 to 12"},
		{"--key " + filepath.Join(dir, "none"), 2, "none"}, {"--checkpoint " + filepath.Join(dir, "none"), 2,
			"none"},
		{"--key " + point, 2, "."}, {"--from x", 2, "."},
	} {
		code, out, errs := asked(append([]string{"audit", "verify", dir}, strings.Fields(c.args)...)...)
		text := out
		if c.code == 2 {
			text = errs
		}
		if code != c.code || !regexp.MustCompile(c.want).MatchString(text) || (c.code == 2) != (out == "") {
			t.Errorf("%s: exit code %d, want %d and %s\n%s%s", c.args, code, c.code, c.want, out, errs)
		}
	}
	if _, out, _ := asked("audit", "verify", dir, "--key", key); strings.Contains(out, "--key FILE") {
		t.Errorf("a key that was given is said to come from the folder:\n%s", out)
	}
	for args, want := range map[string]int{"1": 0, "12": 0, "13": 2, "0": 2, "": 2, "--since " + point: 0,
		"1 --since " + point: 2,
		"--since " + foreign: 2, "--since " + key: 2, "--since " + filepath.Join(dir, "none"): 2} {
		if code, out, errs := asked(append([]string{"audit", "prove", dir},
			strings.Fields(args)...)...); code != want || (code == 0) != (out != "") {
			t.Errorf("prove %s: exit code %d, want %d\n%s%s", args, code, want, out, errs)
		}
	}
}

// TestAuditPolicyFlags: a change is one of what was named, is kept, and stands in the log
// as what it was (U-2, U-85).
func TestAuditPolicyFlags(t *testing.T) {
	dir := madeTrail(t, 0)
	setting := func(name string) string {
		code, out, errs := asked("audit", "policy", dir)
		m := regexp.MustCompile(`(?m)^  ` + name + `  +(\S.*)$`).FindStringSubmatch(out)
		if code != 0 || m == nil {
			t.Fatalf("%s: exit code %d\n%s%s", name, code, out, errs)
		}
		return m[1]
	}
	const name = "Registry"
	for _, c := range []struct{ flags, want, record string }{
		{"--success enable", "Success", "success added"}, {"--failure enable", "Success and Failure",
			"failure added"},
		{"--success disable", "Failure", "success removed"}, {"--failure disable", "No Auditing", "failure removed"},
		{"--success enable --failure enable", "Success and Failure", "success added, failure added"},
	} {
		code, out, errs := asked(append([]string{"audit", "policy", dir, "--subcategory", name},
			strings.Fields(c.flags)...)...)
		if code != 0 || out != "" || setting(name) != c.want {
			t.Errorf("%s: exit code %d, %s\n%s%s", c.flags, code, setting(name), out, errs)
		}
		_, tail, _ := asked("audit", "tail", "--no-follow", dir, "-n", "2") // the last one is the end of the log
		line, _, _ := strings.Cut(tail, "\n")
		if !strings.HasSuffix(line, " change the audit policy Registry: "+c.record) ||
			!regexp.MustCompile(`^\d+ 20[2-9]\d-`).MatchString(line) {
			t.Errorf("%s: recorded as %s", c.flags, line)
		}
	}
	if asked("audit", "policy", dir, "--subcategory", "File System", "--subcategory", "Logon", "--success",
		"disable", "--failure", "enable"); setting(
		"File System") != "Failure" || setting("Logon") != "Failure" || setting(name) != "Success and Failure" {
		t.Errorf("two at once: %s, %s, %s", setting("File System"), setting("Logon"), setting(name))
	}
	for _, args := range [][]string{{"--success", "enable"}, {"--failure", "disable"}, {"--subcategory", name},
		{"--subcategory", "Nonsense", "--success", "enable"}, {"--subcategory", name, "--success", "maybe"},
		{"--subcategory", name, "--success", "disable", "--audit-key", filepath.Join(dir, "none")}} {
		if code, out, errs := asked(append([]string{"audit", "policy", dir}, args...)...); code != 2 ||
			out != "" || errs == "" ||
			setting(name) != "Success and Failure" {
			t.Errorf("%v: exit code %d, %s\n%s%s", args, code, setting(name), out, errs)
		}
	}
	fresh := filepath.Join(t.TempDir(), "fresh") // a folder without a log
	if code, _, errs := asked("audit", "policy", fresh, "--subcategory", name, "--failure", "enable"); code != 0 {
		t.Errorf("a folder that is not there: exit code %d, %s", code, errs)
	}
	if left, err := os.ReadDir(fresh); err != nil || len(left) != 1 || left[0].Name() != "policy.txt" {
		t.Errorf("%v, %v", left, err)
	}
}

// TestAuditForwardFlags: a forwarder remembers where it was told to how far it came, and
// goes on there (U-77).
func TestAuditForwardFlags(t *testing.T) {
	dir := madeTrail(t, 0)
	to, cursor := filepath.Join(t.TempDir(), "sink"), filepath.Join(t.TempDir(), "cursor")
	lines := func() int {
		b, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("\n"))
	}
	for i, c := range []struct {
		args []string
		want int
	}{{nil, 12}, {nil, 12}, {[]string{"--cursor", cursor}, 24}, {[]string{"--cursor", cursor}, 24}} {
		code, out, errs := asked(append([]string{"audit", "forward", dir, "--no-follow", "--to", to}, c.args...)...)
		if code != 0 || out+errs != "" || lines() != c.want {
			t.Errorf("%d: exit code %d, %d lines, want %d\n%s%s", i, code, lines(), c.want, out, errs)
		}
	}
	for _, name := range []string{cursor, filepath.Join(dir, "cursor")} {
		if b, err := os.ReadFile(name); err != nil || strings.TrimSpace(string(b)) != "13" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if code, _, errs := asked("audit", "forward", dir, "--no-follow"); code != 2 || errs == "" {
		t.Errorf("without a sink: exit code %d, %s", code, errs)
	}
	if code, _, errs := asked("audit", "forward", dir, "--no-follow", "--to", "unix:"+cursor, "--cursor",
		cursor+"2"); code != 2 || errs == "" {
		t.Errorf("a sink that is no socket: exit code %d, %s", code, errs)
	}
}
