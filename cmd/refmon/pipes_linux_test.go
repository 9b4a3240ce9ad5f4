package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// A pipe gives the output of a file, for objects that are the directory too (B-82), and for several questions about one
// pipe.
func TestPipeWorksAsFile(t *testing.T) {
	const ldif = `# record 1
dn: CN=helen,DC=corp,DC=test
objectClass: user
objectSid: S-1-5-21-1-2-3-1602
sAMAccountName: helen
nTSecurityDescriptor: O:SYD:(A;;WP;;;S-1-5-21-1-2-3-1602)

# record 2
dn: CN=Crew,DC=corp,DC=test
objectClass: group
objectSid: S-1-5-21-1-2-3-1603
sAMAccountName: Crew
nTSecurityDescriptor: O:SYD:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-1602)
`
	const rows = `{"path":"CN=x","type":"directoryService",` +
		`"sd":"O:SYD:(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;S-1-5-21-1-2-3-1602)"}` + "\n"
	dir := t.TempDir()
	people := filepath.Join(dir, "people.yaml")
	check.NoError(t, os.WriteFile(people, []byte("users:\n- {name: helen, sid: S-1-5-21-1-2-3-1602}\n"), 0o600))
	state := filepath.Join(dir, "state.ldif")
	check.NoError(t, os.WriteFile(state, []byte(ldif), 0o600))
	long := ldif + strings.Repeat("# a comment of some length\n", 10_000)
	for i, c := range []struct{ text, args string }{
		{ldif, "who-can AddMember -o FILE"},
		{long, "who-can AddMember crew -o FILE --no-names"},
		{ldif, "what-can helen -o FILE -f jsonl"},
		{ldif, "what-can helen -o FILE"},
		{ldif, "reach helen -o FILE"},
		{ldif, "reach --to Crew -o FILE -d FILE"},
		{ldif, "access Crew helen --as helen --want AddMember -o FILE"},
		{ldif, "report -o FILE --baseline FILE --format text"},
		{ldif, "report -o " + state + " --baseline FILE --format text"},
		{ldif, "report -o " + state + " --baseline FILE --baseline-directory FILE --format text"},
		{rows, "what-can helen -o FILE -d " + people},
		{rows, "what-can helen -o FILE -d " + people + " -f csv"},
	} {
		file := filepath.Join(dir, "file")
		check.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
		want, said, code := runWith(c.args, file, "")
		for _, pipe := range []string{fifo(t, filepath.Join(dir, string(rune('a'+i))), c.text), "-"} {
			if strings.Contains(c.args, "baseline") && pipe == "-" { // one standard input is not two states
				continue
			}
			out, errs, is := runWith(c.args, pipe, c.text)
			errs = strings.ReplaceAll(errs, pipe, file)
			check.That(t, out == want && errs == said && is == code,
				"%s of %s: exit code %d, %q, %q; want that of the file, %d, %q, %q", c.args, pipe, is, out, errs, code, want, said)
		}
	}
}

// Two inputs that are one pipe are an error, under two names as well. The second input would otherwise look empty.
func TestPipeIsNoTwoInputs(t *testing.T) {
	dir := t.TempDir()
	people, link := filepath.Join(dir, "people.yaml"), filepath.Join(dir, "link")
	check.NoError(t, os.WriteFile(people, []byte("users:\n- {name: helen, sid: S-1-5-21-1-2-3-1602}\n"), 0o600))
	const row = `{"path":"/a","sd":"O:SYG:SYD:(A;;FA;;;WD)"}` + "\n"
	pipe := fifo(t, filepath.Join(dir, "pipe"), row)
	check.NoError(t, os.Symlink(pipe, link))
	for _, args := range []string{"diff - - -d " + people, "diff " + pipe + " " + link + " -d " + people,
		"diff - SAME -d " + people, "diff SAME - -d " + people, "who-can read -o - -t -", "who-can read -o - -t SAME",
		"who-can read -o SAME -t -"} {
		in := row
		if strings.Contains(args, "-t ") {
			in = `{"user":"S-1-5-21-1-2-3-1602"}`
		}
		r, w, err := os.Pipe()
		check.NoError(t, err)
		check.NoError(t, errors.Join(check.Err(w.WriteString(in)), w.Close()))
		var out, errs bytes.Buffer
		args = strings.ReplaceAll(args, "SAME", fmt.Sprintf("/dev/fd/%d", r.Fd()))
		code := run(strings.Fields(args), &streams{in: r, out: &out, err: &errs})
		check.That(t, code == exitMalformed && strings.Contains(errs.String(), "one pipe, which can be read only once"),
			"%s: exit code %d, %q, %q, want a refusal", args, code, &out, &errs)
		check.NoError(t, r.Close())
	}
	code, out, errs := runLine("diff", os.DevNull, os.DevNull, "-d", people) // a device can be read twice
	check.Equal(t, code, 0, "diff of devices: %s%s", out, errs)
}

// runWith runs a command line in which FILE stands for name, with a standard input that a slow program writes.
func runWith(args, name, in string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = run(strings.Fields(strings.ReplaceAll(args, "FILE", name)),
		&streams{in: iotest.OneByteReader(strings.NewReader(in)), out: &out, err: &errs})
	return out.String(), errs.String(), code
}

// fifo creates a named pipe, and writes a text to it once.
func fifo(t *testing.T, path, text string) string {
	check.NoError(t, unix.Mkfifo(path, 0o600))
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		_, _ = f.WriteString(text)
		_ = f.Close()
	}()
	return path
}
