package gateway

import (
	"crypto/sha1" //nolint:gosec // Apache's format of passwords
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/davcases"
)

// TestConformanceCasesHoldOnGateway runs each case of testdata/conformance.txt against the gateway, with two users.
// Status and effects are those of the sentence that the case quotes (G-37, G-39, G-41, G-42, G-43, G-44, G-45, G-46).
func TestConformanceCasesHoldOnGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, forBoth)
	list := davcases.Read(t, "testdata/conformance.txt")
	for i := range list {
		name := fmt.Sprint("c", i, "/")
		s := &davcases.Site{T: t, Base: w.url + "/share/" + strings.TrimSuffix(name, "/"), Client: w.server.Client(),
			Contents: func(file string) ([]byte, error) { return os.ReadFile(filepath.Join(w.root, name, file)) }}
		for _, file := range []string{"f", "t", "d/m"} {
			w.file(name+file, file[len(file)-1:], forBoth)
			w.must(os.Chtimes(filepath.Join(w.root, name+file), moment, moment))
		}
		w.folder(name+"e", forBoth)
		w.describe(name+"d", forBoth)
		w.describe(name, forBoth)
		s.Run(&list[i], list[i].Want)
	}
	check.That(t, len(list) >= 120, "there are %d cases, want at least 120", len(list))
}

// TestConformanceCasesHoldOnApache runs the same cases against Apache's mod_dav. A case that Apache fails
// shows that we misread a sentence.
func TestConformanceCasesHoldOnApache(t *testing.T) {
	t.Parallel()
	base, root := apache(t)
	list := davcases.Read(t, "testdata/conformance.txt")
	for i := range list {
		s := &davcases.Site{T: t, Base: fmt.Sprintf("%s/c%d", base, i), Client: http.DefaultClient}
		folder := filepath.Join(root, fmt.Sprint("c", i))
		for _, dir := range []string{"", "d", "e"} {
			check.NoError(t, os.Mkdir(filepath.Join(folder, dir), 0o755))
			chown(t, filepath.Join(folder, dir))
		}
		for _, file := range []string{"f", "t", "d/m"} {
			write(t, filepath.Join(folder, file), []byte(file[len(file)-1:]))
			chown(t, filepath.Join(folder, file))
			check.NoError(t, os.Chtimes(filepath.Join(folder, file), moment, moment))
		}
		s.Run(&list[i], list[i].Apache)
	}
}

// apacheUser is the account of Debian's package.
const apacheUser = "www-data"

// chown makes Apache's account the owner of a file.
func chown(t *testing.T, path string) {
	t.Helper()
	u, err := user.Lookup(apacheUser)
	if err != nil {
		t.Skip(err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	check.NoError(t, errors.Join(err1, err2, os.Chown(path, uid, gid)))
}

// apache starts Apache with mod_dav for alice and bob, and returns its URL and the folder that it serves.
func apache(t *testing.T) (base, root string) {
	t.Helper()
	program := tool(t, "apache2")
	if os.Getuid() != 0 {
		t.Skip("only root starts a server as another account")
	}
	dir := check.Must(os.MkdirTemp("", "apache"))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	root = filepath.Join(dir, "root")
	for _, path := range []string{root, filepath.Join(dir, "locks")} {
		check.NoError(t, os.Mkdir(path, 0o755))
		chown(t, path)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // Apache's account must be able to traverse it
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte("pw-x")) //nolint:gosec // as above
	secret := "{SHA}" + base64.StdEncoding.EncodeToString(sum[:])
	accounts := filepath.Join(dir, "users")
	write(t, accounts, []byte("alice:"+secret+"\nbob:"+secret+"\n"))
	chown(t, accounts)
	free := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	at := free.Addr().String()
	_ = free.Close()
	var conf strings.Builder
	for _, name := range strings.Fields("mpm_event authn_core authn_file authz_core authz_user auth_basic dav dav_fs") {
		fmt.Fprintf(&conf, "LoadModule %s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", name)
	}
	fmt.Fprintf(&conf, "ServerRoot %s\nPidFile %[1]s/pid\nListen %[2]s\nServerName localhost\nErrorLog %[1]s/log\n"+
		"User %[3]s\nGroup %[3]s\nDocumentRoot %[1]s/root\nDavLockDB %[1]s/locks/db\n<Directory %[1]s/root>\nDav On\n"+
		"AuthType Basic\nAuthName x\nAuthUserFile %[1]s/users\nRequire valid-user\n</Directory>\n", dir, at, apacheUser)
	write(t, filepath.Join(dir, "conf"), []byte(conf.String()))
	cmd := exec.Command(program, "-f", filepath.Join(dir, "conf"), "-DFOREGROUND")
	check.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", at)
		if err == nil {
			_ = c.Close()
			return "http://" + at, root
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("Apache does not start: %v\n%s", err, log)
		}
	}
}

// TestRcloneReadsAndWrites copies a folder with rclone there and back, lists it, and checks that rclone is denied what
// its account may not do.
func TestRcloneReadsAndWrites(t *testing.T) {
	t.Parallel()
	rclone := tool(t, "rclone")
	w := newWorld(t, shared)
	w.file("hers", "x", own)
	from := t.TempDir()
	w.must(os.MkdirAll(filepath.Join(from, "a", "b c"), 0o700))
	write(t, filepath.Join(from, "a", "b c", "é.txt"), []byte("text\n"))
	write(t, filepath.Join(from, "big"), make([]byte, 3<<20))
	run := func(user string, args ...string) (string, error) {
		secret := check.Must(exec.Command(rclone, "obscure", "pw-x").Output())
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
		t.Errorf("%v\n%s, want nil, %q", err, out, "a/\nbig\na/b c/\na/b c/é.txt\n")
	}
	back := t.TempDir()
	if out, err := run("bob", "copy", ":webdav:share/up", back); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("diff", "-r", from, back).CombinedOutput(); err != nil {
		t.Errorf("%s", out)
	}
	out, err := run("bob", "copyto", filepath.Join(from, "big"), ":webdav:share/up/his")
	check.That(t, err != nil && strings.Contains(out, "403"),
		"bob uploads: %v\n%s, want an error, text containing \"403\"", err, out)
	if out, err := run("bob", "cat", ":webdav:share/hers"); err == nil {
		t.Errorf("bob reads a file that only alice may read: %s", out)
	}
	if out, err := run("alice", "purge", ":webdav:share/up"); err != nil || w.entries("") != "hers" {
		t.Errorf("%v, left is %q\n%s", err, w.entries(""), out)
	}
}

// TestCadaverLocksEditsAndMoves checks that cadaver can lock, edit, move and remove. It uses the same handler without
// TLS, because it does not accept the generated certificate.
func TestCadaverLocksEditsAndMoves(t *testing.T) {
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
	check.RequireThat(t, err == nil, "%v\n%s", err, out)
	for _, want := range []string{"Lock token", "red", "h  "} {
		check.That(t, strings.Contains(string(out), want), "cadaver does not say %q", want)
	}
	back, err := os.ReadFile(filepath.Join(home, "back"))
	if strings.Contains(string(out), "failed") || err != nil || string(back) != "from here\n" || w.entries("d") != "f" {
		t.Errorf("%q, %v, left is %q\n%s", back, err, w.entries("d"), out)
	}
}

// TestWindowsRedirectorSavesFileUnderLock sends the requests of Windows' redirector when Explorer copies a file to a
// folder and a program then saves it: the name is looked up, created empty, locked, uploaded and given its times under
// the lock, and unlocked. The lock keeps another user out meanwhile.
func TestWindowsRedirectorSavesFileUnderLock(t *testing.T) {
	w := newWorld(t, forBoth)
	const path = "/share/new%20file.docx"
	send := func(want int, method, body string, headers ...string) httpResult {
		t.Helper()
		return w.want(want, "alice", method, path, body, append([]string{"User-Agent",
			"Microsoft-WebDAV-MiniRedir/10.0.19045", "Translate", "f"}, headers...)...)
	}
	send(404, "PROPFIND", "", "Depth", "0")
	send(201, "PUT", "")
	lock := send(200, "LOCK",
		`<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>`+
			`<D:locktype><D:write/></D:locktype><D:owner><D:href>HOST\alice</D:href></D:owner></D:lockinfo>`,
		"Timeout", "Second-3600", "Content-Type", `text/xml; charset="utf-8"`)
	token := lock.header.Get("Lock-Token")
	if !strings.Contains(lock.body, `<D:owner><D:href>HOST\alice</D:href></D:owner>`) ||
		!strings.Contains(lock.body, "<D:href>"+strings.Trim(token, "<>")+"</D:href>") {
		t.Errorf("the answer to LOCK: %s", lock.body)
	}
	times := `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" ` +
		`xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32CreationTime>Sat, 03 Feb 2001 04:05:06 GMT` +
		`</Z:Win32CreationTime><Z:Win32LastAccessTime>Sat, 03 Feb 2001 04:05:06 GMT</Z:Win32LastAccessTime>` +
		`<Z:Win32LastModifiedTime>Sat, 03 Feb 2001 04:05:06 GMT</Z:Win32LastModifiedTime>` +
		`<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`
	condition := []string{"If", "(" + token + ")"}
	w.want(423, "bob", "PUT", path, "bob's")
	w.want(423, "bob", "PROPPATCH", path, times)
	send(204, "PUT", "what was saved", condition...)
	if got := send(207, "PROPPATCH", times, condition...); !strings.Contains(got.body, "HTTP/1.1 200 OK") ||
		strings.Count(got.body, "<D:propstat>") != 1 {
		t.Errorf("the answer to PROPPATCH: %s", got.body)
	}
	w.want(403, "bob", "UNLOCK", path, "", "Lock-Token", token)
	send(200, "HEAD", "")
	send(204, "UNLOCK", "", "Lock-Token", token)
	found := send(207, "PROPFIND", "", "Depth", "0")
	if got := w.content("new file.docx"); got != "what was saved" || !strings.Contains(found.body,
		"<D:getlastmodified>Sat, 03 Feb 2001 04:05:06 GMT</D:getlastmodified>") {
		t.Errorf("%q\n%s, want \"what was saved\", text containing %q", got, found.body,
			"<D:getlastmodified>Sat, 03 Feb 2001 04:05:06 GMT</D:getlastmodified>")
	}
	w.want(204, "bob", "PUT", path, "bob's")
}
