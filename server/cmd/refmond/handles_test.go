package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestPassedDescriptorsHaveGrantedAccess checks that users of the host receive descriptors of files over the socket
// with the access that their tokens were granted, and that doctor reports the number of passed
// descriptors (F-151, F-155).
func TestPassedDescriptorsHaveGrantedAccess(t *testing.T) {
	w := newTreeWorld(t)
	w.configure("    descriptors: write\n")
	got := w.doctor()
	if strings.HasPrefix(got, "WRONG") && strings.Contains(got, "CAP_SYS_ADMIN") {
		t.Skip(got)
	}
	want := "ok    trees        projects: clients get descriptors for reading, and for writing"
	check.That(t, strings.HasPrefix(got, want), "%q, want %q", got, want)
	w.configure("    descriptors: read\n")
	want = "ok    trees        projects: clients get descriptors for reading\n"
	check.Equal(t, w.doctor(), want, "the doctor, of a tree for reading")
	cfg := w.configure("    descriptors: write\n")
	defer served(t, cfg)()
	a, b := w.dial(alice), w.dial(bob)
	in := nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
		CreateDisposition: uint32(fileaccess.FileCreate), ShareAccess: sharing, ObjectAttributes: file("plan\u009b")}
	first := in // its descriptor comes before that of the plan
	first.ObjectAttributes = file("first")
	_, f, st := a.OpenFile(a.Thread(), first)
	w.ok("create", st)
	defer f.Close()
	_, f, st = a.OpenFile(a.Thread(), in)
	if w.ok("create", st); f == nil {
		t.Fatal("no descriptor of a new file")
	}
	defer f.Close()
	check.Equal(t, check.Err(f.WriteString("the plan")), nil, "alice writes")
	in.CreateDisposition = uint32(fileaccess.FileOpen)
	if _, f, st := b.OpenFile(b.Thread(), in); st != ntstatus.AccessDenied || f != nil {
		t.Errorf("bob writes: %s, %v, want %s, nil", st, f, ntstatus.AccessDenied)
	}
	in.DesiredAccess = winnt.GENERIC_READ
	_, g, st := b.OpenFile(b.Thread(), in)
	if w.ok("bob reads", st); g == nil {
		t.Fatal("no descriptor for reading")
	}
	defer g.Close()
	if text, err := io.ReadAll(g); err != nil || string(text) != "the plan" {
		t.Errorf(`bob reads %q, %v, want "the plan", no error`, text, err)
	}
	w.checkPassed(cfg)
	// A user who may not inspect others' handles sees their own programs' descriptors.
	seen, err := b.Inspect([]byte(`{"what":"lent"}`))
	check.That(t, err == nil && strings.Count(string(seen), `"name"`) == 1 && strings.Contains(string(seen), `"used":1,`),
		"bob sees %s, %v", seen, err)
	check.ErrorIs(t, check.Err(unix.Pwrite(int(g.Fd()), []byte("x"), 0)), unix.EBADF, "bob writes by his descriptor")
}

// checkPassed checks that open-files lists passed descriptors with their programs, in addition to handles (F-177).
func (w *treeWorld) checkPassed(cfg *config) {
	w.Helper()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, `(?s)` + regexp.QuoteMeta(ownName(w.T)) + ` +\(host\)  \\Device\\projects\\plan�  READ_DATA\|` +
			`WRITE_DATA\|APPEND_DATA  since \d{4}-\d\d-\d\d [0-9:]+, 1 times\n` +
			`.* \(host\)  \\Device\\projects\\plan�  READ_DATA  since [^\n]*, 1 times\n$`},
		{[]string{"nothing"}, `^[^\n]*\n$`},
		{[]string{"PLAN", "--close"}, `times  stays: a descriptor cannot be taken back\n$`},
	} {
		code, out, errs := runLine(append([]string{"open-files", "--socket", cfg.AdminSocket}, c.args...)...)
		check.That(w, code == exitSuccess && regexp.MustCompile(c.want).MatchString(out),
			"open-files %q: exit code %d\n%s%swant %s", c.args, code, out, errs, c.want)
	}
}

// TestOpenFilesSelectsByPartOfName checks that any part of a file's name selects it, without case, and that no
// part selects all files.
func TestOpenFilesSelectsByPartOfName(t *testing.T) {
	for _, c := range []struct {
		part, name string
		want       bool
	}{
		{"", "", true}, {"", `\??\share\Plan`, true}, {"plan", `\??\share\Plan`, true}, {"PLAN", `\??\share\plan`, true},
		{`E\p`, `\??\share\Plan`, true}, {`\??\share\Plan`, `\??\share\Plan`, true}, {"plan2", `\??\share\Plan`, false},
		{"plan", "", false}, {"nalp", `\??\share\Plan`, false},
	} {
		check.Equal(t, (&openFilesCmd{Name: c.part}).matches(c.name), c.want, "%q means %q", c.part, c.name)
	}
}

// TestInspectionOutputEscapesNames checks how the inspection verbs print rights, groups, names and times. Unprintable
// characters of a program's name do not reach the terminal (W-79).
func TestInspectionOutputEscapesNames(t *testing.T) {
	for _, c := range []struct {
		typ  string
		mask winnt.AccessMask
		want string
	}{
		{"File", 0x1F01FF, "all rights"}, {"File", 0x3F01FF, "all rights"}, {"File", 0x1F01FE,
			"WRITE_DATA|APPEND_DATA|READ_EA|WRITE_EA|EXECUTE|DELETE_CHILD|READ_ATTRIBUTES|WRITE_ATTRIBUTES|DELETE|" +
				"READ_CONTROL|WRITE_DAC|WRITE_OWNER|SYNCHRONIZE"},
		{"Token", 0xF01FF, "all rights"}, {"Token", 0x8, "QUERY"}, {"Nonsense", 0x20008, "0x20008"},
	} {
		check.Equal(t, rightNames(c.typ, c.mask), c.want, "%s %#x", c.typ, uint32(c.mask))
	}
	h := nt.ProcessHandle{GrantedAccess: 8}
	if a, b := named("x\x1b\n", "Token", h), named("", "Token", h); a != "x\ufffd\ufffd  QUERY" || b != "QUERY" {
		t.Errorf(`W-79: names %q, %q, want "x��  QUERY", "QUERY"`, a, b)
	}
	// Enabled is 4, for deny entries only 0x10, integrity 0x20 (MS-DTYP, winnt.h).
	for a, want := range map[uint32]string{7: "", 4: "", 0x60: "", 0x20: "", 3: ", switched off", 0: ", switched off",
		0x10: ", for deny entries only", 0x14: ", for deny entries only"} {
		check.Equal(t, attributes(a), want, "attributes %#x", a)
	}
	for _, c := range []struct {
		text, want string
		width      int
	}{{"abc", "abc", 3}, {"abcd", "ab…", 3}, {"äöüß", "äöüß", 4}, {"äöüßx", "äöü…", 4}, {"a\x1bb", "a\ufffdb", 3}} {
		check.Equal(t, short(c.text, c.width), c.want, "%q in %d columns", c.text, c.width)
	}
	for _, c := range []struct {
		v    any
		st   ntstatus.Status
		want string
		time int64
	}{{"a", 0, "a", 0}, {"a", ntstatus.AccessDenied, "?", 0}, {nil, 0, "?", 0},
		{nt.KernelUserTimes{CreateTime: 7, ExitTime: 9}, 0, "?", 7},
		{nt.KernelUserTimes{CreateTime: 7}, ntstatus.AccessDenied, "?", 0}} {
		if got, at := text(c.v, c.st), times(c.v, c.st); got != c.want || at != c.time {
			t.Errorf("%v, %v: %q, %d, want %q, %d", c.v, c.st, got, at, c.want, c.time)
		}
	}
}
