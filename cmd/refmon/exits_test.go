package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// workplace makes a folder with the files that the command lines of these tests name,
// and works in it.
func workplace(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"alice.json": `{"user":"S-1-5-21-1-2-3-1107","groups":["BU"],"privileges":["SeChangeNotifyPrivilege"]}`,
		"ident.json": `{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation","impersonationLevel":"Identification"}`,
		"imp.json":   `{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation","impersonationLevel":"Impersonation"}`,
		"company.yaml": "domain: S-1-5-21-1-2-3\nusers:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: " +
			"[S-1-5-21-1-2-3-2001]}\n" +
			"  - {name: bob, sid: S-1-5-21-1-2-3-1108}\n",
		"empty.yaml": "domain: S-1-5-21-1-2-3\n",
		"good.jsonl": `{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n" + `{"path":"/b",` +
			`"sd":"O:BAG:SYD:(A;;FA;;;BA)"}` + "\n",
		"less.jsonl": `{"path":"/a","sd":"O:BAG:SYD:(A;;FA;;;BA)"}` + "\n" + `{"path":"/b",` +
			`"sd":"O:BAG:SYD:(A;;FA;;;BA)"}` + "\n",
		"bad.jsonl": `{"path":"/a","sd":"O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-1107)"}` + "\n" + `{"path":"/b",` +
			`"sd":"O:"}` + "\n",
		"none.jsonl": "",
		"open.jsonl": `{"path":"/a","sd":"O:BA"}` + "\n" + `{"path":"/b","sd":"O:BA"}` + "\n",
		"holds.yaml": "principals:\n  a: alice.json\ndescriptors:\n  d: O:BAG:SYD:(A;;FR;;;BU)\nexpect:\n  - " +
			"{who: a, on: d, want: FR, is: granted}\n",
		"fails.yaml": "principals:\n  a: alice.json\ndescriptors:\n  d: O:BAG:SYD:(A;;FR;;;BU)\nexpect:\n  - " +
			"{who: a, on: d, want: FW, is: granted}\n",
		"wrong.yaml":  "principals:\n  a: alice.json\nexpect: 7\n",
		"lines.jsonl": `{"id":1,"token":{"user":"S-1-5-18"},"sd":"O:BA","desired":"FR"}` + "\n",
		"lines2.jsonl": `{"id":1,"token":{"user":"S-1-5-18"},"sd":"O:BAG:SYD:",` +
			`"desired":"FR"}` + "\n" + "nonsense\n",
		"shares.sddl": "O:BAG:SYD:(A;;FR;;;BU)\n", "found.sddl": "O:BAG:SYD:(A;;FR;;;WD)(D;;FR;;;BG)(A;;FR;;;WD)\n",
		"ok.star": "expect(1, 1)\n", "no.star": "expect(1, 2)\n", "syntax.star": "x =\n",
		"passwd": "root:x:0:0:root:/root:/bin/sh\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const sdOfUsers = "O:BAG:SYD:(A;;FR;;;BU)"

// answers are command lines with the exit codes that DESIGN says: 0 yes or all well, 1 no,
// 2 it could not be answered. What each prints, or says on standard error, is matched.
var answers = []struct {
	code      int
	args      []string
	out, errs string
}{
	{0, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR"},
		"^STATUS_SUCCESS granted 0x00120089 FILE_READ_DATA", "^$"},
	{1, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FW"},
		"^STATUS_ACCESS_DENIED granted 0x00000000\n$", "^$"},
	{0, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR", "--json"},
		`^\{"id":null,"status":"STATUS_SUCCESS"[^y]*$`, "^$"},
	{1, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FW", "--json", "--explain"}, `"why":`, "^$"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json"}, "^$", "--want RIGHTS"},
	{2, []string{"check", sdOfUsers, "-w", "FR"}, "^$", "--token FILE"},
	{2, []string{"check", "-t", "alice.json", "-w", "FR"}, "^$", "a security descriptor in SDDL"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR", "--type", "x"}, "^$", "x"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR", "--self", "x"}, "^$", "--self"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR", "--call", "x"}, "^$", "--call x"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "FR", "--object-type", "x"}, "^$", "--object-type"},
	{2, []string{"check", sdOfUsers, "-t", "alice.json", "-w", "nonsense"}, "^$", "--want"},
	{2, []string{"check", sdOfUsers, "-t", "nosuch.json", "-w", "FR"}, "^$", "nosuch.json"},
	{2, []string{"check", "O:", "-t", "alice.json", "-w", "FR"}, "^$", "SDDL"},
	{2, []string{"check", sdOfUsers, "--batch", "lines.jsonl"}, "^$", "--batch takes its questions from the file"},
	{2, []string{"check", "-w", "FR", "--batch", "lines.jsonl"}, "^$", "--batch takes its questions from the file"},
	{2, []string{"check", "-t", "alice.json", "--batch", "lines.jsonl"}, "^$",
		"--batch takes its questions from the file"},
	{0, []string{"check", "--batch", "lines.jsonl"}, `^\{"id":1,"status":"STATUS_SUCCESS"`,
		"1 of 1 lines have a descriptor without D:"},
	{2, []string{"check", "--batch", "lines2.jsonl"}, `"STATUS_ACCESS_DENIED"(?s).*"error"`,
		"1 of 2 lines were malformed"},
	{2, []string{"check", "--batch", "nosuch"}, "^$", "nosuch"},
	{0, []string{"why", sdOfUsers, "-t", "alice.json", "-w", "FR"}, "^GRANTED ", "^$"},
	{1, []string{"why", sdOfUsers, "-t", "alice.json", "-w", "FW"},
		"^DENIED (?s).*any one of these would grant it:\n  ", "^$"},
	{1, []string{"why", sdOfUsers, "-t", "ident.json", "-w", "FR"}, "BAD_IMPERSONATION_LEVEL", "^$"},
	{2, []string{"why", sdOfUsers, "-t", "alice.json", "-w", "FR", "--certificate", "none/c"}, "^$", "none/c"},
	{0, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FR"},
		"^GRANTED ", "^$"},
	{1, []string{"access", "/b", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FR"},
		"^DENIED ", "^$"},
	{0, []string{"access", "/a", "-t", "alice.json", "-o", "good.jsonl", "-w", "FR"}, "^GRANTED ", "^$"},
	{0, []string{"access", "/a", "-t", "imp.json", "-o", "good.jsonl", "-w", "FR"}, "^GRANTED ", "^$"},
	{2, []string{"access", "/a", "-t", "ident.json", "-o", "good.jsonl", "-w", "FR"}, "^$", "opens nothing"},
	{2, []string{"access", "/a", "-d", "company.yaml", "-o", "good.jsonl"}, "^$",
		"--as WHO is missing: the directory has 2 users"},
	{2, []string{"access", "/a", "-o", "good.jsonl"}, "^$", "who asks"},
	{2, []string{"access", "/a", "-d", "empty.yaml", "-o", "good.jsonl"}, "^$", "no users who can log on"},
	{2, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "x"}, "^$",
		"--want"},
	{2, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "--type", "x"},
		"^$", "x"},
	{0, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FR",
		"--share", "D:(A;;FR;;;DU)"},
		"^GRANTED 0x120089 by the share and the object\n", "^$"}, // DU is of the directory's domain
	{1, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "good.jsonl", "-w", "FW",
		"--share", "D:(A;;FR;;;DU)"},
		"^DENIED by the share and by the object\n", "^$"},
	{0, []string{"access", "/a", "--as", "alice", "-d", "company.yaml", "-o", "open.jsonl", "-w", "FR"},
		"^GRANTED ", "."},
	{0, []string{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml", "-f", "jsonl"},
		`"principals":\["alice"\]`, "^$"},
	{2, []string{"who-can", "read", "-o", "bad.jsonl", "-d", "company.yaml", "-f", "jsonl"},
		`"principals":\["alice"\](?s).*"error"`, "1 of 2 objects could not be read"},
	{0, []string{"who-can", "read", "-o", "none.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "^$",
		"there are no objects"},
	{0, []string{"who-can", "read", "-o", "open.jsonl", "-d", "company.yaml", "-f", "jsonl"}, ".",
		"2 of 2 descriptors have no D: part"},
	{2, []string{"who-can", "read", "-d", "company.yaml"}, "^$", "which objects"},
	{2, []string{"who-can", "read", "/tmp", "-o", "good.jsonl", "-d", "company.yaml"}, "^$",
		"either paths or --objects"},
	{2, []string{"who-can", "read", "good.jsonl", "-d", "company.yaml"}, "^$", "give it as --objects good.jsonl"},
	{0, []string{"who-can", "read", "passwd", "-d", "company.yaml"}, "passwd", "S-1-22-1-"},
	{2, []string{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml", "-f", "x"}, "^$", "."},
	{2, []string{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml", "--checkpoint", "c"}, "^$",
		"--checkpoint needs --out FILE"},
	{2, []string{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml", "--out", "none/x"}, "^$", "none/x"},
	{0, []string{"what-can", "alice", "-o", "good.jsonl", "-d", "company.yaml", "-f", "csv"}, "/a,", "^$"},
	{2, []string{"what-can", "eve", "-o", "good.jsonl", "-d", "company.yaml"}, "^$", "eve"},
	{0, []string{"diff", "good.jsonl", "good.jsonl", "-d", "company.yaml"}, "", "^$"},
	{1, []string{"diff", "good.jsonl", "less.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "alice",
		"1 of 2 objects changed for at least one user"},
	// The tokens are asked about on both sides.
	{0, []string{"diff", "good.jsonl", "good.jsonl", "-d", "company.yaml", "--directory-after", "company.yaml", "-t",
		"alice.json", "-t", "imp.json"}, "^PRINCIPAL +PATH +GAINED +LOST +CAUSE\n$", "^$"},
	{1, []string{"diff", "good.jsonl", "less.jsonl", "-d", "company.yaml", "--directory-after", "company.yaml", "-t",
		"imp.json", "-f", "jsonl"}, `imp`, "1 of 2 objects changed"},
	{1, []string{"diff", "good.jsonl", "good.jsonl", "-d", "company.yaml", "--directory-after", "empty.yaml", "-t",
		"alice.json"}, "^PRINCIPAL +PATH +GAINED +LOST +CAUSE\nalice +/a +0x00000000 +0x00120089 +principal is gone\n$",
		"1 of 2 objects changed"},
	{2, []string{"diff", "good.jsonl", "bad.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "",
		"1 objects could not be read and were not compared"},
	{2, []string{"diff", "bad.jsonl", "good.jsonl", "-d", "company.yaml", "-f", "jsonl"}, "",
		"1 objects could not be read and were not compared"},
	{0, []string{"acl", "export", "-o", "good.jsonl"},
		`^\{"path":"/a","sd":"O:BAG:SYD:\(A;;FR;;;S-1-5-21-1-2-3-1107\)","type":"file"\}\n\{"path":"/b"`, "^$"},
	{2, []string{"acl", "export", "-o", "bad.jsonl"}, `^\{"path":"/a",[^\n]*\n$`,
		"/b: SDDL(?s).*1 of 2 objects could not be read and are not in the output"},
	{0, []string{"acl", "export", "-o", "open.jsonl"}, "^.*\n.*\n$", "2 of 2 descriptors have no D: part"},
	{2, []string{"acl", "export", "-o", "good.jsonl", "--domain", "x"}, "^$", "--domain"},
	{0, []string{"report", "-o", "good.jsonl", "-d", "company.yaml", "--force", "--out", "r.html"},
		"^r.html: 2 objects, 2 distinct descriptors, 2 principals\n$", "^$"},
	{2, []string{"report", "-o", "bad.jsonl", "-d", "company.yaml", "--force", "--out", "r.html"}, "^r.html: 2 objects",
		"1 of 2 objects could not be read"},
	{2, []string{"report", "-o", "good.jsonl", "-d", "company.yaml", "--out", "none/r.html"}, "^$", "none/r.html"},
	{2, []string{"report", "-o", "good.jsonl", "-d", "company.yaml", "--share", "O:"}, "^$", "--share"},
	{0, []string{"test", "holds.yaml"}, "1 case, 0 failed", "^$"}, {1, []string{"test", "fails.yaml"},
		"1 case, 1 failed", "^$"},
	{1, []string{"test", "fails.yaml", "holds.yaml"}, "1 failed(?s).*0 failed", "^$"},
	{1, []string{"test", "holds.yaml", "fails.yaml"}, "0 failed(?s).*1 failed", "^$"},
	{1, []string{"test", "--json", "fails.yaml"}, `"holds":false`, "^$"}, {0, []string{"test", "--json",
		"holds.yaml"}, `"holds":true`, "^$"},
	{0, []string{"test", "-q", "holds.yaml"}, "^holds.yaml: 1 case, 0 failed, [^\n]*\n$", "^$"},
	{2, []string{"test", "wrong.yaml"}, "^$", "wrong.yaml: "}, {2, []string{"test", "nosuch"}, "^$", "nosuch"},
	{0, []string{"lint", "shares.sddl"}, "^0 findings in 1 descriptor\n$", "^$"},
	{1, []string{"lint", "found.sddl"}, "findings in 1 descriptor\n$", "^$"},
	{2, []string{"lint", "passwd"}, "^0 findings in 0 descriptors; 1 line could not be read\n$", "passwd:1: "},
	{0, []string{"lint", "O:BAG:SYD:(A;;RC;;;BA)"}, "", "^$"}, {2, []string{"lint", "O:"}, "^$", "SDDL"},
	{0, []string{"run", "--quiet", "ok.star"}, "", "^$"}, {1, []string{"run", "no.star"}, ".", ""},
	{2, []string{"run", "syntax.star"}, "", "syntax.star:1"}, {2, []string{"run", "nosuch.star"}, "^$",
		"nosuch.star"},
	{2, []string{"run", "ok.star", "--audit", "passwd"}, "^$", "."},
	{2, []string{"run", "ok.star", "--audit", "log", "--audit-key", "nosuch"}, "^$", "nosuch"},
	{0, []string{"sid", "DU", "--domain", "S-1-5-21-1-2-3"},
		`(?m)^SID +S-1-5-21-1-2-3-513\n(?s).*^alias +DU\n.*^RID +513\ndomain +S-1-5-21-1-2-3\nbytes +28\n`, "^$"},
	{0, []string{"sid", "01020000000000052000000020020000"},
		`^SID +S-1-5-32-544\nname +BUILTIN\\Administrators\nalias +BA\nauthority +5\nRID +544\ndomain ` +
			`+S-1-5-32\nbytes +16\nhex +01020000000000052000000020020000\n$`, "^$"},
	{0, []string{"sid", "WD"}, `^SID +S-1-1-0\nname +Everyone\nalias +WD\nauthority +1\nRID +0\nbytes +12\n`, "^$"},
	{2, []string{"sid", "0102000000000005200000002002000000"}, "^$", "1 more follow"},
	{2, []string{"sid", "DU"}, "^$", "."}, {2, []string{"sid", "BA", "--domain", "x"}, "^$", "--domain"},
	{0, []string{"directory", "from", "passwd", "passwd", "--out", "d.yaml"}, "^$", "^$"},
	{2, []string{"directory", "from", "passwd", "passwd", "--out", "none/d.yaml"}, "^$", "none/d.yaml"},
	{0, []string{"fmt", sdOfUsers}, "^O:BAG:SYD:", "^$"}, {2, []string{"fmt", "-w", "-"}, "^$", "standard input"},
	{0, []string{"token", "show", "alice.json"}, `(?m)^user +S-1-5-21-1-2-3-1107`, "^$"}, {2, []string{"token",
		"show", "passwd"}, "^$", "passwd: "},
	{0, []string{"version"}, ".", "^$"}, {0, []string{"services"}, "services, ", "^$"}, {2,
		[]string{"services", "NtNone"}, "^$", "NtNone"},
	{2, []string{"services", "--faults"}, "^$", "--faults needs"},
}

// TestAnswers: each command line ends with its exit code, prints its answer and nothing
// else, and says what was wrong on standard error alone.
func TestAnswers(t *testing.T) {
	workplace(t)
	for _, c := range answers {
		code, out, errs := asked(c.args...)
		if code != c.code || !regexp.MustCompile(c.out).MatchString(out) ||
			!regexp.MustCompile(c.errs).MatchString(errs) {
			t.Errorf("%q: exit code %d, want %d\nstdout %q, want %q\nstderr %q, want %q", c.args, code, c.code,
				out, c.out, errs, c.errs)
		}
		if c.code == 2 && errs == "" {
			t.Errorf("%q: nothing says what was wrong", c.args)
		}
	}
	for _, name := range []string{"r.html", "d.yaml"} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fullWriter takes some bytes and then fails, as a disk does.
type fullWriter struct{ room int }

func (w *fullWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.room)
	if w.room -= n; n < len(b) {
		return n, errors.New("no space left")
	}
	return n, nil
}

// TestOutputIsLost: an answer that could not be written is exit code 2, whatever it was:
// no verb takes cut-off output for a success or for a denial.
func TestOutputIsLost(t *testing.T) {
	workplace(t)
	dir := madeTrail(t, 0)
	lines := [][]string{{"audit", "query", dir}, {"audit", "query", dir, "--format", "xml"}, {"audit", "query",
		dir, "--format", "csv"},
		{"audit", "stats", dir}, {"audit", "tail", dir, "--no-follow"}, {"audit", "verify", dir}, {"audit",
			"policy", dir},
		{"audit", "prove", dir, "3"}, {"sddl", sdOfUsers}, {"token", "filter", "alice.json"}, {"token", "show",
			"--json", "alice.json"},
		{"fmt", "shares.sddl"}, {"directory", "from", "passwd", "passwd"}, {"acl", "export", "--hex", "-o",
			"good.jsonl"},
		{"services", "NtClose"}, {"services", "--json"}}
	for _, c := range answers {
		if c.code == 0 && !strings.HasPrefix("^$", c.out) && c.args[0] != "diff" && c.args[0] != "run" {
			lines = append(lines, c.args)
		}
	}
	for _, args := range lines {
		var whole bytes.Buffer
		run(args, &streams{in: strings.NewReader(""), out: &whole, err: io.Discard})
		for _, room := range []int{0, whole.Len() / 2} {
			var errs bytes.Buffer
			code := run(args, &streams{in: strings.NewReader(""), out: &fullWriter{room}, err: &errs})
			if code != 2 || !strings.Contains(errs.String(), "no space left") {
				t.Errorf("%q with room for %d of %d bytes: exit code %d, %s", args, room, whole.Len(), code, &errs)
			}
		}
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full: ", err)
	}
	for _, args := range [][]string{{"who-can", "read", "-o", "good.jsonl", "-d", "company.yaml"}, {"report",
		"-o", "good.jsonl", "-d", "company.yaml"},
		{"diff", "good.jsonl", "less.jsonl", "-d", "company.yaml"}, {"directory", "from", "passwd", "passwd"}} {
		full := filepath.Join(t.TempDir(), "full")
		if err := os.Symlink("/dev/full", full); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := asked(append(args, "--out", full)...); code != 2 || !strings.Contains(errs,
			"no space left") {
			t.Errorf("%q to a full disk: exit code %d, %s", args, code, errs)
		}
	}
}
