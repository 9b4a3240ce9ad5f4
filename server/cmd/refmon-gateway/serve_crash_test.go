package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
)

// process is a program that the test kills and restarts.
type process struct {
	s    *site
	uid  uint32
	say  int // readiness messages
	line []string
	cmd  *exec.Cmd
	over chan struct{} // closed at the end of its output
}

// start starts the program and waits until it is ready.
func (m *process) start() {
	m.s.Helper()
	m.cmd = exec.Command(filepath.Join(m.s.dir, "bin", m.line[0]), m.line[1:]...)
	m.cmd.Dir, m.cmd.SysProcAttr = m.s.dir, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: m.uid, Gid: m.uid}}
	out, err := m.cmd.StderrPipe()
	m.s.must(err)
	m.s.must(m.cmd.Start())
	lines, left, said := bufio.NewScanner(out), m.say, ""
	for left > 0 && lines.Scan() {
		if said += lines.Text() + "\n"; strings.Contains(lines.Text(), "msg=ready") {
			left--
		}
	}
	if left > 0 {
		m.s.Fatalf("%s does not start: %v\n%s", m.line[0], m.cmd.Wait(), said)
	}
	m.over = make(chan struct{})
	go func() { // drain its output, or it would block
		defer close(m.over)
		_, _ = io.Copy(io.Discard, out)
	}()
}

// kill sends SIGKILL to the program and waits for its end.
func (m *process) kill() {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait()
}

// killCase is a request and the file states that a crash may leave.
type killCase struct {
	method, path, body, to string
	// each lists the contents that each file may have after a crash. "" is a missing file, "/" a folder.
	each map[string][]string
	// moves are pairs of names; exactly one of each pair has the file.
	moves [][2]string
}

// filesBefore returns the files before each request; copying big takes a while.
func filesBefore(big string) map[string]string {
	return map[string]string{"f": "f", "g": big, "d": "/", "d/a": "a", "d/b": big, "e": "/", "e/c": "c"}
}

// killCases returns a request for each method that changes files.
func killCases(big, fresh string) []killCase {
	const lock = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
		`<D:locktype><D:write/></D:locktype></D:lockinfo>`
	const patch = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="urn:a">1</a></D:prop></D:set>` +
		`</D:propertyupdate>`
	folder := func(from, to string) map[string][]string {
		return map[string][]string{from: {"/", ""}, from + "/a": {"a", ""}, from + "/b": {big, ""}, to: {"/"},
			to + "/a": {"", "a"}, to + "/b": {"", big}, to + "/c": {"", "c"}}
	}
	copied := func(to string) map[string][]string {
		all := folder("d", to)
		for _, name := range []string{"d", "d/a", "d/b"} {
			delete(all, name)
		}
		return all
	}
	moved := folder("d", "n")
	moved["n"] = []string{"", "/"}
	whole := [][2]string{{"d/a", "n/a"}, {"d/b", "n/b"}}
	return []killCase{
		{"PUT", "n", fresh, "", map[string][]string{"n": {"", fresh}}, nil},
		{"PUT", "g", fresh, "", map[string][]string{"g": {big, fresh}}, nil},
		{"DELETE", "f", "", "", map[string][]string{"f": {"f", ""}}, nil},
		{"DELETE", "d", "", "", map[string][]string{"d": {"/", ""}, "d/a": {"a", ""}, "d/b": {big, ""}}, nil},
		{"MKCOL", "n", "", "", map[string][]string{"n": {"", "/"}}, nil},
		{"COPY", "g", "", "n", map[string][]string{"n": {"", big}}, nil},
		{"COPY", "f", "", "g", map[string][]string{"g": {big, "f"}}, nil},
		{"COPY", "d", "", "e", copied("e"), nil},
		{"MOVE", "f", "", "n", map[string][]string{"f": {"f", ""}, "n": {"", "f"}}, [][2]string{{"f", "n"}}},
		{"MOVE", "f", "", "g", map[string][]string{"f": {"f", ""}, "g": {big, "f"}}, nil},
		{"MOVE", "d", "", "n", moved, whole},
		{"MOVE", "d", "", "e", folder("d", "e"), [][2]string{{"d/a", "e/a"}, {"d/b", "e/b"}}},
		{"PROPPATCH", "f", patch, "", nil, nil}, {"LOCK", "f", lock, "", nil, nil},
		{"LOCK", "n", lock, "", map[string][]string{"n": {"", "empty"}}, nil},
		{"UNLOCK", "f", "", "", nil, nil}}
}

// TestKilledGatewayLeavesOldOrNewFile kills refmond, refmon-gateway or both with SIGKILL at a random moment of a
// request of each method. After the restart each file is as before or after the request, no listing has a temporary
// file (G-33, G-40, G-49, F-210, F-211).
func TestKilledGatewayLeavesOldOrNewFile(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two programs")
	}
	s := newSite(t, "")
	refmond := &process{s: s, say: 1, line: []string{"refmond", "serve", "--config", "refmond.yaml"}}
	gateway := &process{s: s, uid: gate, say: 2, line: []string{"refmon-gateway", "serve", "--config", "gateway.yaml"}}
	s.describe("O:SYG:SYD:P(A;OICI;FA;;;SY)")
	descriptor := "O:BAG:SYD:P(A;OICI;FA;;;" + s.addAlice().String() + ")"
	refmond.start()
	s.run("refmond account right grant S-1-22-1-$GATEWAY SeImpersonatePrivilege")
	s.describe(descriptor)
	gateway.start()
	t.Cleanup(func() { gateway.kill(); refmond.kill() })
	big, fresh := strings.Repeat("big", 1<<20), strings.Repeat("fresh", 1<<19)
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 39))
	all := killCases(big, fresh)
	for i := range max(len(all), randtest.Count(t, "REFMON_KILLS", 64)) {
		c := all[i%len(all)]
		s.setFiles(descriptor, filesBefore(big))
		// The first request logs on, so that the second one takes a few milliseconds.
		client := s.client()
		s.ask(client, killCase{method: "PROPFIND"})
		answer := make(chan int, 1)
		go func() { answer <- s.ask(client, c) }()
		time.Sleep(time.Duration(rng.Int64N(int64(12 * time.Millisecond))))
		which := 1 + rng.IntN(3)
		for bit, m := range []*process{refmond, gateway} {
			if which>>bit&1 != 0 {
				m.kill()
			}
		}
		code := <-answer
		for bit, m := range []*process{refmond, gateway} {
			if which>>bit&1 != 0 {
				m.start()
			}
		}
		client.CloseIdleConnections()
		s.checkFiles(fmt.Sprintf("%s %s to %q, killed %d, answer %d", c.method, c.path, c.to, which, code), &c,
			filesBefore(big))
	}
}

// addAlice adds the account alice with a password hash that is cheap to check. refmond must not run.
func (s *site) addAlice() (id sid.SID) {
	s.Helper()
	store, err := lsa.Open(lsa.Config{Folder: filepath.Join(s.dir, "state"), Computer: "host",
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	s.must(err)
	s.must(store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		id = e.AddAccount(lsa.Account{Name: "alice"})
		return e.SetPassword("alice", "pw")
	}))
	s.must(store.Close())
	return id
}

// client returns a client that trusts the gateway.
func (s *site) client() *http.Client {
	s.Helper()
	pem, err := os.ReadFile(filepath.Join(s.dir, "gateway", loopbackFile))
	s.must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
}

// ask sends a request as alice. It returns the status, 0 if the gateway did not answer.
func (s *site) ask(client *http.Client, c killCase) int {
	const tree = "https://localhost:%s/projects/%s"
	r, err := http.NewRequest(c.method, fmt.Sprintf(tree, s.files, c.path), strings.NewReader(c.body))
	if err != nil {
		s.Error(err)
		return 0
	}
	r.SetBasicAuth("alice", "pw")
	switch c.method {
	case "COPY", "MOVE":
		r.Header.Set("Destination", fmt.Sprintf(tree, s.files, c.to))
	case "PROPFIND":
		r.Header.Set("Depth", "1")
	case "UNLOCK":
		r.Header.Set("Lock-Token", "<opaquelocktoken:none>")
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0
	}
	listed := answer.StatusCode == http.StatusMultiStatus && !strings.Contains(string(body), "refmon-")
	if c.method == "PROPFIND" && !listed {
		s.Errorf("G-49: a listing has a temporary file, or fails: %d\n%s", answer.StatusCode, body)
	}
	return answer.StatusCode
}

// setFiles replaces the contents of the tree by these files.
func (s *site) setFiles(descriptor string, files map[string]string) {
	s.Helper()
	list, err := os.ReadDir(s.tree)
	s.must(err)
	for _, e := range list {
		s.must(os.RemoveAll(filepath.Join(s.tree, e.Name())))
	}
	value, err := (&ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256,
		Descriptor: sddl.MustParse(descriptor)}).Append(nil)
	s.must(err)
	for _, name := range []string{"f", "g", "d", "d/a", "d/b", "e", "e/c"} {
		path := filepath.Join(s.tree, name)
		if files[name] == "/" {
			s.must(os.Mkdir(path, 0o700))
		} else {
			s.must(os.WriteFile(path, []byte(files[name]), 0o600))
		}
		s.must(unix.Setxattr(path, ntacl.Name, value, 0))
	}
}

// checkFiles checks the files after a crash.
func (s *site) checkFiles(what string, c *killCase, was map[string]string) {
	s.Helper()
	s.ask(s.client(), killCase{method: "PROPFIND"})
	got := map[string]string{}
	s.must(filepath.WalkDir(s.tree, func(path string, e fs.DirEntry, err error) error {
		name := strings.TrimPrefix(strings.TrimPrefix(path, s.tree), "/")
		switch {
		case err != nil || name == "":
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".~refmon-"):
			return fs.SkipDir // a folder that was being replaced
		case strings.HasPrefix(e.Name(), ".~refmon-"),
			strings.HasPrefix(e.Name(), ".refmon-") && e.Name() != ".refmon-redo":
			return nil // hidden, and removed after a minute (F-129, G-49)
		case e.IsDir():
			got[name] = "/"
			return nil
		}
		b, err := os.ReadFile(path)
		if got[name] = string(b); len(b) == 0 {
			got[name] = "empty"
		}
		return err
	}))
	for name := range was {
		if c.each[name] == nil && got[name] != was[name] {
			s.Errorf("F-210: %s: %s has %d bytes, want it unchanged", what, name, len(got[name]))
		}
	}
	for name, contents := range got {
		if c.each[name] == nil && was[name] == "" {
			s.Errorf("F-210: %s: there is %s of %d bytes, want none", what, name, len(contents))
		}
	}
	for name, allowed := range c.each {
		if !slices.Contains(allowed, got[name]) {
			s.Errorf("F-210: %s: %s has %d bytes, which are neither old nor new", what, name, len(got[name]))
		}
	}
	if old, fresh := got["e/c"] == "c", got["e/a"] != "" && got["e/b"] != ""; old == fresh {
		s.Errorf("G-42: %s: the folder e is neither old nor new: %t, %t", what, old, fresh)
	}
	if c.method == "MOVE" && c.to == "g" && got["f"] == "" && got["g"] != "f" {
		s.Errorf("F-211: %s: the moved file is gone", what)
	}
	for _, m := range c.moves {
		if got[m[0]] == "" && got[m[1]] == "" {
			s.Errorf("F-211: %s: %s and %s are gone", what, m[0], m[1])
		}
	}
}
