package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// On a terminal a row that is too wide continues below itself, and no SID or name is broken. A pipe has the whole row
// (U-123).
func TestTablesFitTerminal(t *testing.T) {
	dir := newTrail(t, 0)
	for _, args := range [][]string{{"services"}, {"services", "NtOpenFile"}, {"token", "show", "admin"},
		{"audit", "query", dir},
		{"report", "-o", "../../examples/reach/tiny.ldif", "-d", "../../examples/reach/tiny.ldif", "--format", "text"}} {
		var wide, narrow strings.Builder
		run(args, &streams{out: &wide, err: io.Discard})
		run(args, &streams{out: &narrow, err: io.Discard, width: 80})
		for line := range strings.Lines(narrow.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("U-123: %q: %d columns: %s", args, n, line)
			}
		}
		if got, want := strings.Fields(narrow.String()), strings.Fields(wide.String()); !slices.Equal(got, want) {
			t.Errorf("U-123: %q: other words than in a pipe:\n%s", args, narrow.String())
		}
	}
	_, rows, _ := runLine("audit", "query", dir, "--format", "csv")
	var narrow strings.Builder
	run([]string{"audit", "query", dir, "--format", "csv"}, &streams{out: &narrow, err: io.Discard, width: 80})
	check.Equal(t, narrow.String(), rows, "U-123: rows for a program, on a terminal")
}

// TestRowsAreMeasuredInColumns checks that a row of as many columns as the terminal has stays whole, and that a
// Japanese character takes two of them (U-101).
func TestRowsAreMeasuredInColumns(t *testing.T) {
	row := "a  " + strings.Repeat("ä", 77) + "\n"
	std := &streams{width: 80}
	check.Equal(t, std.underRows(row), row, "a row of 80 characters")
	check.Equal(t, std.underRows("ab  "+strings.Repeat("会", 38)+"\n"), "ab  "+strings.Repeat("会", 38)+"\n", "80 columns")
	check.Equal(t, std.underRows("abc  "+strings.Repeat("会", 38)+"\n"),
		"abc\n      "+strings.Repeat("会", 36)+"\n        会会\n", "81 columns")
	var out strings.Builder
	check.Must(messages(&out, 10).Write([]byte("会議室 会議室\n会議室会議\n")))
	check.Equal(t, out.String(), "会議室\n  会議室\n会議室会議\n", "a message")
	out.Reset()
	check.Must((&streams{out: &out, width: 10}).folding().Write([]byte("\x1b[1m会議\x1b[0m 会議室\n会議 会議\n")))
	check.Equal(t, out.String(), "\x1b[1m会議\x1b[0m\n  会議室\n会議 会議\n", "lines with colours")
	check.Equal(t, caret("会議 x", 7), "  会議 x\n       ^", "a caret")
}

// TestJapaneseNamesFitTerminal checks that a table with Japanese names is no wider than the terminal, and that its
// columns are aligned (U-101).
func TestJapaneseNamesFitTerminal(t *testing.T) {
	dir := t.TempDir()
	accounts, objects := filepath.Join(dir, "company.yaml"), filepath.Join(dir, "objects.jsonl")
	check.NoError(t, os.WriteFile(accounts, []byte(`domain: S-1-5-21-1-2-3
users:
  - {name: 田中太郎, sid: S-1-5-21-1-2-3-1107, memberOf: [開発部]}
  - {name: 山田, sid: S-1-5-21-1-2-3-1108, memberOf: [開発部]}
groups:
  - {name: 開発部, sid: S-1-5-21-1-2-3-2001}
`), 0o600))
	var lines strings.Builder
	for _, path := range []string{"/共有/計画書.docx", "/srv/plan.docx", "/共有/" + strings.Repeat("会議", 30) + ".docx"} {
		lines.WriteString(`{"path":"` + path + `","sd":"O:BAG:DUD:(A;;FR;;;S-1-5-21-1-2-3-2001)(A;;FA;;;` +
			`S-1-5-21-1-2-3-1108)","type":"file"}` + "\n")
	}
	check.NoError(t, os.WriteFile(objects, []byte(lines.String()), 0o600))
	// Each character of these texts from U+2E80 is wide (EastAsianWidth.txt).
	wide := regexp.MustCompile(`[\x{2E80}-\x{FFEF}]`)
	for _, flag := range []string{"--names", "--no-names"} {
		var out strings.Builder
		std := &streams{out: &out, err: &out, width: 80}
		check.Equal(t, run([]string{"who-can", "read", "-o", objects, "-d", accounts, flag}, std), exitGranted, "exit code")
		// Two bytes for each wide character, so that offsets are columns.
		table := strings.ReplaceAll(wide.ReplaceAllString(out.String(), "WW"), "…", ".")
		at := -1
		for line := range strings.Lines(table) {
			line = strings.TrimSuffix(line, "\n")
			check.That(t, len(line) <= 80, "%s: %d columns: %q\n%s", flag, len(line), line, out.String())
			if at < 0 {
				at = strings.LastIndex(line, "  ") + 2
			}
			check.That(t, at > 2 && len(line) > at && line[at-1] == ' ' && line[at] != ' ',
				"%s: the last column does not begin at %d: %q\n%s", flag, at, line, out.String())
		}
	}
}

// A missing argument is named with what it may be (U-133).
func TestMissingArgumentIsExplained(t *testing.T) {
	var errs strings.Builder
	code := run([]string{"completion"}, &streams{out: io.Discard, err: &errs})
	if code != exitMalformed || !strings.Contains(errs.String(), "missing argument <shell>: bash, zsh or fish\n") {
		t.Errorf("U-133: %d, %s", code, errs.String())
	}
}

// Granted and denied rights are coloured, and words of an entry that match neither are not (U-111).
func TestColourFollowsDecision(t *testing.T) {
	const entry = `(XA;;0x1;;;WD;(@USER.x == " granted  + and - denied "))`
	ask := func(std *streams, args ...string) string {
		var out strings.Builder
		std.in, std.out, std.err = strings.NewReader(""), &out, &out
		run(append([]string{"why", "O:BAG:SYD:" + entry + "(A;;0x2;;;WD)", "-t", "user"}, args...), std)
		return out.String()
	}
	plain := ask(&streams{}, "-w", "0x3")
	got := ask(&streams{}, "-w", "0x3", "--color", "always")
	check.That(t, strings.NewReplacer(green, "", red, "", bold, "", reset, "").Replace(got) == plain && plain != got,
		"text with colours differs:\n%s\n%s, want the same text", plain, got)
	for _, want := range []string{entry, green + "+" + reset, red + "denied" + reset,
		green + "granted" + reset, bold + red + "DENIED STATUS_ACCESS_DENIED: no entry grants FILE_READ_DATA" + reset} {
		check.That(t, strings.Contains(got, want), "output %q, want text containing %q", got, want)
	}
	_, x, err := access.Explain(&access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)"), Desired: 1,
		Subject: access.Subject{Primary: check.Must(token.New(token.StandardUser(sid.Everyone)))}, Type: winnt.FileObject})
	text := (&streams{}).shown(x, func(sid.SID) string { return "a\nforged" })
	check.That(t, err == nil && strings.Contains(text, "a\ufffdforged"), "%q, %v, want the name in one line", text, err)
	check.Equal(t, strings.Count(got, reset), 6, "U-111: coloured texts, of which the verdict is also bold, in %q", got)
	check.Equal(t, ask(&streams{colour: true}, "-w", "0x3", "--color=never"), plain, "--color=never")
	if got := ask(&streams{colour: true}, "-w", "0x2"); !strings.HasPrefix(got, bold+green+"GRANTED 0x2") {
		t.Errorf("output %q, want a green GRANTED 0x2", got)
	}
}

// TestVerbsShareTheirColours checks that check's status and mask and audit's lines use the colours of the other
// verbs, and that the text without colours is the same (U-114).
func TestVerbsShareTheirColours(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail")
	ask := func(colour bool, args ...string) string {
		var out strings.Builder
		run(args, &streams{in: strings.NewReader(""), out: &out, err: &out, colour: colour})
		return out.String()
	}
	ask(false, "run", "--audit", dir, "../../examples/audit.star")
	uncoloured := strings.NewReplacer(green, "", red, "", bold, "", reset, "")
	for _, c := range []struct {
		args string
		want []string
	}{
		{"check O:BAG:SYD:(A;;0x1;;;WD) -t user -w 0x1",
			[]string{green + "STATUS_SUCCESS" + reset + " granted " + green + "0x00000001" + reset}},
		{"check O:BAG:SYD:(A;;0x1;;;WD) -t user -w 0x2",
			[]string{red + "STATUS_ACCESS_DENIED" + reset + " granted 0x00000000\n"}},
		{"audit query " + dir, []string{
			red + "DENIED" + reset + " ", " for " + red + "WriteData" + reset, " for " + green + "ReadData" + reset}},
		{"audit tail --no-follow -n 1000 " + dir, []string{
			red + "DENIED" + reset + " ", " for " + green + "ReadData" + reset}},
	} {
		got := ask(true, strings.Fields(c.args)...)
		for _, want := range c.want {
			check.That(t, strings.Contains(got, want), "%s: output %q, want text containing %q", c.args, got, want)
		}
		if plain := ask(false, strings.Fields(c.args)...); uncoloured.Replace(got) != plain {
			t.Errorf("%s: text with colours differs:\n%s\n%s, want the same text", c.args, plain, got)
		}
	}
}

// TestMessagesFitTerminal checks that a message is broken at blanks and a SID stays whole (U-123). A progress bar and
// the text above a caret are not changed.
func TestMessagesFitTerminal(t *testing.T) {
	const member = "S-1-5-21-1630692144-1680674318-2717254427-1107"
	for text, want := range map[string]string{
		"refmon: " + member + " is not a member\n": "refmon:\n  " + member + "\n  is not a member\n",
		member + " is not a member":                member + "\n  is not a member",
		strings.Repeat("ä ", 25):                   strings.Repeat("ä ", 25),
		"short\nlines\n":                           "short\nlines\n", "\r" + member + member: "\r" + member + member,
		"  " + member + member + "\n": "  " + member + member + "\n", "": "",
		"\x1b[K" + member + " " + member: "\x1b[K" + member + " " + member,
	} {
		var out strings.Builder
		if _, err := messages(&out, 50).Write([]byte(text)); err != nil || out.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, out.String(), err, want)
		}
	}
}

// Lines of records are broken between words, whole in each write or in pieces, and colours have no width (U-123).
func TestFoldingBreaksNoSID(t *testing.T) {
	const who = "S-1-5-21-1234567890-1234567890-1234567890-1107"
	text := "1 \x1b[31mDENIED\x1b[0m " + who + " open " + who + " for x\n  2 short\n" + strings.Repeat("y", 90) + " z\n"
	want := "1 \x1b[31mDENIED\x1b[0m " + who + " open\n  " + who + " for x\n  2 short\n" +
		strings.Repeat("y", 90) + "\n  z\n"
	var out strings.Builder
	w := (&streams{out: &out, width: 61}).folding()
	for _, part := range []string{text[:9], text[9:70], text[70:]} {
		if n, err := io.WriteString(w, part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	check.That(t, out.String() == want, "U-123:\n%q, want\n%q", out.String(), want)
	if plain := (&streams{out: &out}); plain.folding() != plain.out {
		t.Error("a pipe has its lines broken")
	}
}

// TestExpectationFileNameForgesNoLine checks that the name of a file of expectations can neither add a line to the
// output of refmon test nor control the terminal.
func TestExpectationFileNameForgesNoLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a\nok forged\x1b[2J.yaml")
	err := os.WriteFile(file, []byte("principals: {u: {user: SY}}\ndescriptors: {d: 'D:', open: 'O:SYG:SY'}\n"+
		"expect:\n- {who: u, on: [d, open], want: 1, is: granted}\n"), 0o600)
	if err != nil {
		t.Skipf("the file system has no such names: %v", err)
	}
	code, out, errs := runLine("test", file)
	check.That(t, code == exitDenied && strings.Contains(out, "2 cases, 1 failed") && errs != "" &&
		!strings.ContainsRune(out+errs, 0x1b) && !strings.Contains(out+errs, "\nok forged"), "exit code %d, %q, %q", code,
		out, errs)
}

// TestFoldedLinesFillWidth checks that a line and its continuation, with its indent, end at the last column (U-123).
func TestFoldedLinesFillWidth(t *testing.T) {
	var out strings.Builder
	w := (&streams{out: &out, width: 10}).folding()
	check.NoError(t, check.Err(io.WriteString(w, "aaaaa bbbb cccc ddd eeee fff\n")))
	check.Equal(t, out.String(), "aaaaa bbbb\n  cccc ddd\n  eeee fff\n", "U-123: text on 10 columns")
}
