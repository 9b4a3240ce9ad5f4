package gateway

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRclone: rclone copies a folder there and back, lists it, and is refused what its
// account may not.
func TestRclone(t *testing.T) {
	rclone := tool(t, "rclone")
	w := newWorld(t, shared)
	w.file("hers", "x", own)
	from := t.TempDir()
	w.must(os.MkdirAll(filepath.Join(from, "a", "b c"), 0o700))
	write(t, filepath.Join(from, "a", "b c", "é.txt"), []byte("text\n"))
	write(t, filepath.Join(from, "big"), make([]byte, 3<<20))
	run := func(user string, args ...string) (string, error) {
		secret, err := exec.Command(rclone, "obscure", "pw-x").Output()
		w.must(err)
		cmd := exec.Command(rclone, append([]string{"--config", "/dev/null", "--no-check-certificate", "--webdav-url", w.url,
			"--webdav-vendor", "other", "--webdav-user", user, "--webdav-pass", strings.TrimSpace(string(secret)),
			"--retries", "1"}, args...)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("alice", "copy", from, ":webdav:share/up"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := w.content("up/a/b c/é.txt"); got != "text\n" {
		t.Error(got)
	}
	if out, err := run("bob", "lsf", "-R", ":webdav:share/up"); err != nil || out != "a/\nbig\na/b c/\na/b c/é.txt\n" {
		t.Errorf("%v\n%s", err, out)
	}
	back := t.TempDir()
	if out, err := run("bob", "copy", ":webdav:share/up", back); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("diff", "-r", from, back).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
	out, err := run("bob", "copyto", filepath.Join(from, "big"), ":webdav:share/up/his")
	if err == nil || !strings.Contains(out, "403") {
		t.Errorf("bob uploads: %v\n%s", err, out)
	}
	if out, err := run("bob", "cat", ":webdav:share/hers"); err == nil {
		t.Errorf("bob reads what is alice's alone: %s", out)
	}
	if out, err := run("alice", "purge", ":webdav:share/up"); err != nil || w.entries("") != "hers" {
		t.Errorf("%v, left is %q\n%s", err, w.entries(""), out)
	}
}

// TestCadaver: cadaver locks, edits, moves and removes. It believes no certificate that was
// made here, and speaks to the same handler without TLS.
func TestCadaver(t *testing.T) {
	cadaver := tool(t, "cadaver")
	w := newWorld(t, shared)
	s := httptest.NewServer(w.g.Files())
	defer s.Close()
	home := t.TempDir()
	write(t, filepath.Join(home, ".netrc"), []byte("machine 127.0.0.1\nlogin alice\npassword pw-x\n"))
	write(t, filepath.Join(home, "local"), []byte("from here\n"))
	cmd := exec.Command(cadaver, s.URL+"/share/")
	cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home)
	cmd.Stdin = strings.NewReader("mkcol d\nput local d/f\nlock d/f\ndiscover d/f\nput local d/f\nunlock d/f\n" +
		"copy d/f d/g\nmove d/g d/h\npropset d/f color red\npropget d/f color\nls d\ndelete d/h\nget d/f back\nquit\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Lock token", "red", "h  "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("cadaver does not say %q", want)
		}
	}
	back, err := os.ReadFile(filepath.Join(home, "back"))
	if strings.Contains(string(out), "failed") || err != nil || string(back) != "from here\n" || w.entries("d") != "f" {
		t.Errorf("%q, %v, left is %q\n%s", back, err, w.entries("d"), out)
	}
}
