package main

import (
	"os"
	"strings"
	"testing"
)

// refusals are wrong command lines by the verb and what else it needs: each is refused
// with the word that is wrong, and the same line without it is answered.
var refusals = []struct {
	line string   // that is answered
	bad  []string // what is added or changes it: FLAG VALUE, or FLAG alone, and then > what is said
}{
	{"who-can read -o good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--object-type x > --object-type",
		"--share O: > --share", "--sets x > --sets and --expressions belong to --for-index",
		"--expressions > --sets and --expressions belong to --for-index", "-f x > must be one of",
		"-t nosuch.json > nosuch.json", "-o nosuch > nosuch", "-d nosuch > nosuch", "-d wrong.yaml > wrong.yaml: ",
		"-t passwd > passwd: ", "--checkpoint c > --checkpoint needs --out"}},
	{"what-can alice -o good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--share O: > --share",
		"-f x > must be one of", "-t nosuch.json > nosuch.json", "-o nosuch > nosuch", "-d nosuch > nosuch"}},
	{"diff good.jsonl good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--share O: > --share",
		"-f x > must be one of", "-t nosuch.json > nosuch.json", "-d nosuch > nosuch", "--directory-after nosuch > nosuch",
		"--directory-after empty.yaml > empty.yaml: there are no users", "--checkpoint c > --checkpoint needs --out"}},
	{"report -o good.jsonl -d company.yaml -q", []string{"--type x > --type x", "--share O: > --share",
		"-t nosuch.json > nosuch.json", "-o nosuch > nosuch", "-d nosuch > nosuch", "-d empty.yaml > empty.yaml: there are"}},
	{"access /a --as alice -o good.jsonl -d company.yaml", []string{"--type x > --type x", "--share O: > --share",
		"--object-type x > --object-type", "-w x > --want", "-o nosuch > nosuch", "-d nosuch > nosuch",
		"--as eve > --as \"eve\"", "-w control+read > control is one of two rights"}},
	{"acl export -o good.jsonl", []string{"--type x > --type x", "--domain x > --domain", "-o nosuch > nosuch"}},
	{"check O:BAG:SYD:(A;;FR;;;BU) -t alice.json -w FR", []string{"--type x > --type x", "--self x > --self",
		"--object-type x > --object-type", "--call x > --call x", "-t nosuch.json > nosuch.json", "-w x > --want",
		"-t passwd > passwd: ", "-w read+control > control is one of two rights"}},
	{"why O:BAG:SYD:(A;;FR;;;BU) -t alice.json -w FR", []string{"--type x > --type x", "--self x > --self",
		"--object-type x > --object-type", "--call x > --call x", "-t nosuch.json > nosuch.json", "-w x > --want",
		"--certificate none/c > none/c"}},
	{"sddl O:BAG:SYD:(A;;FR;;;BU)", []string{"--type x > --type x", "--domain x > --domain"}},
	{"sid BA", []string{"--domain x > --domain"}},
	{"lint O:BAG:SYD:(A;;FR;;;BA)", []string{"--type x > --type x", "--domain x > --domain"}},
	{"token show alice.json", nil},
	{"token filter alice.json", []string{"--disable x > --disable x", "--restrict x > --restrict x", "--delete x > \"x\"",
		"-o none/t > none/t"}},
	{"token lowbox alice.json --package S-1-15-2-1-2-3", []string{"--package BA > S-1-15-2", "--package x > --package",
		"--capability x > --capability x", "-o none/t > none/t"}},
	{"run --quiet ok.star --audit log", []string{"--audit-key nosuch > nosuch", "--profile x > must be one of"}},
	{"test -q holds.yaml", nil},
	{"directory from passwd passwd", []string{"--out none/d > none/d"}},
	{"services NtClose", []string{"--profile x > must be one of"}},
}

// TestRefusals: a flag that is wrong ends a verb with exit code 2, whatever else is
// right, and names what was wrong; nothing is printed.
func TestRefusals(t *testing.T) {
	workplace(t)
	for _, c := range refusals {
		args := strings.Fields(c.line)
		if code, _, errs := asked(args...); code != 0 {
			t.Errorf("%s: exit code %d, %s", c.line, code, errs)
		}
		for _, bad := range c.bad {
			text, want, _ := strings.Cut(bad, " > ")
			more := strings.Fields(text)
			line := append([]string(nil), args...)
			replaced := false
			for i := range line { // a flag that is there is given another value
				if len(more) == 2 && line[i] == more[0] && more[0] != "-t" {
					line[i+1], replaced = more[1], true
				}
			}
			if !replaced {
				line = append(line, more...)
			}
			if code, out, errs := asked(line...); code != exitMalformed || out != "" || !strings.Contains(errs, want) {
				t.Errorf("%q: exit code %d, printed %q, said %q, want %s", line, code, out, errs, want)
			}
		}
	}
	for _, name := range []string{"none", "c"} {
		if _, err := os.Lstat(name); err == nil {
			t.Errorf("%s was made", name)
		}
	}
}
