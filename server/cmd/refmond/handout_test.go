package main

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestDescriptors: users of the host get descriptors of files over the socket, each for
// what his token was granted; the doctor says that there are some (F-151, F-155).
func TestDescriptors(t *testing.T) {
	w := newTreeWorld(t)
	cfg := w.configure("    descriptors: write\n")
	got := w.doctor()
	if strings.HasPrefix(got, "WRONG") && strings.Contains(got, "CAP_SYS_ADMIN") {
		t.Skip(got)
	}
	want := "ok    trees        projects: clients get descriptors for reading, and for writing"
	if !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s, err := start(cfg, &streams{out: io.Discard, err: io.Discard})
	w.must(err)
	defer serving(t, s)()
	a, b := w.dial(alice), w.dial(bob)
	in := nt.CreateFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
		CreateDisposition: uint32(fileaccess.FileCreate), ShareAccess: sharing, ObjectAttributes: file("plan")}
	_, f, st := a.OpenFile(a.Thread(), in)
	if w.ok("create", st); f == nil {
		t.Fatal("no descriptor of a new file")
	}
	defer f.Close()
	if _, err := f.WriteString("the plan"); err != nil {
		t.Errorf("alice writes: %v", err)
	}
	in.CreateDisposition = uint32(fileaccess.FileOpen)
	if _, f, st := b.OpenFile(b.Thread(), in); st != ntstatus.AccessDenied || f != nil {
		t.Errorf("bob writes: %s, %v", st, f)
	}
	in.DesiredAccess = winnt.GENERIC_READ
	_, g, st := b.OpenFile(b.Thread(), in)
	if w.ok("bob reads", st); g == nil {
		t.Fatal("no descriptor for reading")
	}
	defer g.Close()
	if text, err := io.ReadAll(g); err != nil || string(text) != "the plan" {
		t.Errorf("bob reads %q, %v", text, err)
	}
	w.lent(cfg)
	// Who may not look at another's handles sees what his own program got.
	seen, err := b.Look([]byte(`{"what":"lent"}`))
	if err != nil || strings.Count(string(seen), `"name"`) != 1 || !strings.Contains(string(seen), `"used":1,`) {
		t.Errorf("bob sees %s, %v", seen, err)
	}
	if _, err := unix.Pwrite(int(g.Fd()), []byte("x"), 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("bob writes by his descriptor: %v", err)
	}
}

// lent: open-files tells which program was handed out what, beside its handles (F-177).
func (w *treeWorld) lent(cfg *config) {
	w.Helper()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, `(?s) \(host\)  \\Device\\projects\\plan  READ_DATA\|WRITE_DATA\|APPEND_DATA  since ` +
			`\d{4}-\d\d-\d\d [0-9:]+, 1 times\n` + `.* \(host\)  \\Device\\projects\\plan  READ_DATA  since [^\n]*, 1 times\n$`},
		{[]string{"nothing"}, `^[^\n]*\n$`},
		{[]string{"PLAN", "--close"}, `times  stays: a descriptor cannot be taken back\n$`},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"open-files", "--socket", cfg.AdminSocket}, c.args...)
		code := run(args, &streams{out: &out, err: &errs})
		if code != exitSuccess || !regexp.MustCompile(c.want).MatchString(out.String()) {
			w.Errorf("open-files %q: exit code %d\n%s%swant %s", c.args, code, out.String(), errs.String(), c.want)
		}
	}
}
