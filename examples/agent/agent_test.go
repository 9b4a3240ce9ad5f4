package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
	"github.com/refmon/refmon/winnt"
)

// start sets the demo up and returns its service and the address of its web server.
func start(t *testing.T) (*service, string) {
	t.Helper()
	dir := t.TempDir()
	setUp := exec.Command("sh", "demo.sh", dir)
	setUp.Stderr = os.Stderr
	out, err := setUp.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := setUp.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = setUp.Process.Signal(syscall.SIGTERM)
		if err := setUp.Wait(); err != nil {
			t.Errorf("demo.sh ended with %v, want nil", err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("demo.sh printed %q, %v, want \"ready\"", line, err)
	}
	s, err := config{socket: filepath.Join(dir, "socket"), agent: "agent", tree: "work", folder: "/"}.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	web := httptest.NewServer(s.handler())
	t.Cleanup(web.Close)
	return s, web.URL
}

// connect returns a session of a user's assistant. The password of every user of the demo is correct-horse.
func connect(t *testing.T, url, user, password string) *mcp.ClientSession {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(context.Background(),
		&mcp.StreamableClientTransport{Endpoint: strings.Replace(url, "//", "//"+user+":"+password+"@", 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool and returns its text, and whether the tool failed.
func call(t *testing.T, session *mcp.ClientSession, tool string, in map[string]any) (string, bool) {
	t.Helper()
	out, err := session.CallTool(context.Background(), &mcp.CallToolParams{Name: tool, Arguments: in})
	if err != nil {
		t.Errorf("%s %v: %v, want a result", tool, in, err)
		return "", true
	}
	return out.Content[0].(*mcp.TextContent).Text, out.IsError
}

func TestToolsActAsTheirCaller(t *testing.T) {
	s, url := start(t)
	sessions := map[string]*mcp.ClientSession{"alice": connect(t, url, "alice", "correct-horse"),
		"bob": connect(t, url, "bob", "correct-horse")}
	const denied = "STATUS_ACCESS_DENIED"
	type in = map[string]any
	for _, c := range []struct {
		user, tool string
		in         in
		fails      bool
		want       string
	}{
		{"alice", "list", in{"path": "."}, false, "payroll.csv"},
		{"alice", "read", in{"path": "payroll.csv"}, false, "alice,5000"},
		{"bob", "read", in{"path": "payroll.csv"}, true, "A-70: entry 1 of the DACL (D;;FA;;;S-1-5-21"},
		{"alice", "why", in{"path": "payroll.csv"}, false, "allowed"},
		{"alice", "why", in{"path": "payroll.csv", "write": true}, false, denied},
		{"alice", "write", in{"path": "drafts/a", "text": "new"}, false, "written"},
		{"alice", "write", in{"path": "drafts/lines", "text": strings.Repeat("\n", maxText)}, false, ""},
		{"alice", "write", in{"path": "drafts/a", "text": strings.Repeat("x", maxText+1)}, true, "at most 1048576 bytes"},
		{"alice", "read", in{"path": "drafts/a"}, false, "new"},
		{"alice", "write", in{"path": "drafts/a", "text": ""}, false, "written"},
		{"alice", "read", in{"path": "drafts/a"}, false, ""},
		{"alice", "write", in{"path": "public/a", "text": "x"}, true, "A-90: no entry allows them to a restricting SID"},
		{"bob", "write", in{"path": "drafts/b", "text": "x"}, true, denied},
		// No name leads out of the folder, and no other syntax of names counts.
		{"alice", "read", in{"path": "../refmond.yaml"}, true, "STATUS_OBJECT_NAME_NOT_FOUND"},
		{"alice", "read", in{"path": `..\refmond.yaml`}, true, "file does not exist"},
		{"alice", "read", in{"path": `\??\work\payroll.csv`}, true, "file does not exist"},
		{"alice", "read", in{"path": "payroll.csv:stream"}, true, ""},
		{"alice", "read", in{"path": "inbox"}, true, ""},
		{"alice", "list", in{"path": "payroll.csv"}, true, "STATUS_NOT_A_DIRECTORY"},
		// The SDK compares the arguments with the tool's schema.
		{"alice", "read", in{}, true, "path"},
		{"alice", "read", in{"path": "payroll.csv", "user": "bob"}, true, "user"},
		{"alice", "write", in{"path": "drafts/a"}, true, "text"},
		{"alice", "read", in{"path": 1}, true, "path"},
	} {
		got, failed := call(t, sessions[c.user], c.tool, c.in)
		if failed != c.fails || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s %v = %q, failed %t, want %q, failed %t", c.user, c.tool, c.in, got, failed, c.want, c.fails)
		}
	}
	t.Run("wrong password", func(t *testing.T) {
		if got, failed := call(t, connect(t, url, "alice", "x"), "read", in{"path": "payroll.csv"}); !failed ||
			strings.Contains(got, "5000") || !strings.Contains(got, "log on at refmond: STATUS_LOGON_FAILURE") {
			t.Errorf("read with a wrong password = %q, failed %t, want STATUS_LOGON_FAILURE, failed true", got, failed)
		}
	})
	t.Run("the connection is lost", func(t *testing.T) {
		s.close() // as a restart of refmond does
		if got, failed := call(t, sessions["alice"], "read", in{"path": "payroll.csv"}); failed {
			t.Errorf("read after the connection was lost = %q, failed, want a new connection", got)
		}
	})
	t.Run("the user alone may write", func(t *testing.T) { testUserMay(t, s) })
	t.Run("requests", func(t *testing.T) { testRequests(t, url) })
	t.Run("users at the same time", func(t *testing.T) { testUsersAtOnce(t, url) })
	t.Run("JavaScript", func(t *testing.T) { testJavaScript(t, url) })
}

// testUserMay checks that alice may write to the public folder by herself. So it was the restriction that denied it.
func testUserMay(t *testing.T, s *service) {
	th, err := s.newThread()
	if err != nil {
		t.Fatal(err)
	}
	defer th.Close()
	proof := nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "alice", Password: "correct-horse"}
	out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: proof})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	if err := th.As(out.Token, func() error {
		f, err := treefs.New(th, "work").OpenFile("public/alices", os.O_WRONLY|os.O_CREATE)
		if err != nil {
			return err
		}
		return f.Close()
	}); err != nil {
		t.Errorf("alice creates public/alices: %v, want nil", err)
	}
}

// testRequests checks that requests without a credential, from other sites, and with too many bytes reach no tool.
func testRequests(t *testing.T, url string) {
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"path":"payroll.csv"}}}`
	for _, c := range []struct {
		what   string
		change func(*http.Request)
		body   string
		want   int
	}{
		{"a request as it should be", func(*http.Request) {}, body, http.StatusOK},
		{"no credential", func(r *http.Request) { r.Header.Del("Authorization") }, body, http.StatusUnauthorized},
		{"a token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, body, http.StatusUnauthorized},
		{"another site", func(r *http.Request) { r.Header.Set("Origin", "https://example.org") }, body, http.StatusForbidden},
		{"another name of this host", func(r *http.Request) { r.Host = "rebound.example.org" }, body, http.StatusForbidden},
		{"7 MiB", func(*http.Request) {}, body + strings.Repeat(" ", 7<<20), http.StatusRequestEntityTooLarge},
		{"half a request", func(*http.Request) {}, body[:40], http.StatusBadRequest},
	} {
		r, err := http.NewRequest("POST", url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("alice", "correct-horse")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		c.change(r)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("%s: %v, want status %d", c.what, err, c.want)
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", c.what, answer.StatusCode, c.want)
		}
	}
}

// testUsersAtOnce checks that calls at the same time never use each other's token.
func testUsersAtOnce(t *testing.T, url string) {
	var calls sync.WaitGroup
	for _, user := range []string{"alice", "bob"} {
		session := connect(t, url, user, "correct-horse")
		for range 5 {
			calls.Go(func() {
				if got, failed := call(t, session, "read", map[string]any{"path": "payroll.csv"}); failed != (user == "bob") {
					t.Errorf("%s reads payroll.csv: %q, failed %t", user, got, failed)
				}
			})
		}
	}
	calls.Wait()
}

// testJavaScript checks each tool with the official SDK for JavaScript.
func testJavaScript(t *testing.T, url string) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the SDK for JavaScript needs ", program, ": ", err)
		}
	}
	dir := t.TempDir()
	source, err := os.ReadFile("testdata/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "client.mjs"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir,
		"@modelcontextprotocol/sdk@1.32.2")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("%s: %v: %s", install, err, out)
	}
	out, err := exec.Command("node", filepath.Join(dir, "client.mjs"), url, "alice", "correct-horse").CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := []string{`["list","read","why","write"]`, `[false,"- invoice.txt\n"]`, `[false,"alice,5000\nbob,4000\n"]`,
		`[false,"written"]`, `[false,"from JavaScript"]`, `[false,"open payroll.csv: STATUS_ACCESS_DENIED`,
		`[true,"open public/note.txt: STATUS_ACCESS_DENIED`}
	if err != nil || len(lines) != len(want) {
		t.Fatalf("client.mjs printed %d lines, %v, want %d, nil:\n%s", len(lines), err, len(want), out)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d is %s, want %s…", i, lines[i], want[i])
		}
	}
}

// TestUnexpectedArgumentIsRefused checks that a missing "-" does not start the server without the restriction.
func TestUnexpectedArgumentIsRefused(t *testing.T) {
	out, err := exec.Command("go", "run", ".", "deny-only", "Staff", "-listen", "127.0.0.1:0").CombinedOutput()
	if want := `unexpected argument "deny-only"`; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("agent deny-only Staff: %s, %v, want an error with %s", out, err, want)
	}
}

// TestRestrictedAgentGainsNoRight asks random questions: a call of the assistant gets no right that the user does not
// have and no right to change something that the agent alone does not have.
func TestRestrictedAgentGainsNoRight(t *testing.T) {
	const questions = 10_000
	random := rand.New(rand.NewPCG(1, 2))
	known := []sid.SID{sid.Everyone, sid.AuthenticatedUsers, sid.MustParse("S-1-3-4")}
	for i := range 6 {
		known = append(known, sid.MustParse(fmt.Sprintf("S-1-5-21-1-2-3-%d", 1100+i)))
	}
	user, agent := known[3], known[4]
	// FILE_DELETE_CHILD is not among them, so that no tool may delete.
	const changes = (winnt.FILE_GENERIC_WRITE | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER) &^
		(winnt.FILE_GENERIC_READ | winnt.FILE_GENERIC_EXECUTE)
	granted, changed := 0, 0
	for range questions {
		pick := func() sid.SID { return known[random.IntN(len(known))] }
		var groups []sid.SID
		for range random.IntN(5) {
			groups = append(groups, pick())
		}
		spec := token.FilterSpec{Flags: winnt.DISABLE_MAX_PRIVILEGE | winnt.WRITE_RESTRICTED,
			Restrict: []token.Group{{SID: agent}}}
		for range random.IntN(3) {
			spec.Disable = append(spec.Disable, pick())
		}
		whole, err := token.New(token.NetworkUser(user, groups...))
		if err != nil {
			t.Fatal(err)
		}
		restricted, st := whole.Filter(spec)
		alone, err := token.New(token.Spec{User: token.Group{SID: agent}})
		if st != ntstatus.Success || err != nil {
			t.Fatal(st, err)
		}
		text := "O:" + pick().String() + "G:SYD:"
		for range random.IntN(6) {
			text += fmt.Sprintf("(%c;;%#x;;;%s)", "AAD"[random.IntN(3)], random.Uint32()&uint32(winnt.FILE_ALL_ACCESS), pick())
		}
		d := sddl.MustParse(text)
		his, its, agents := maximum(t, whole, d), maximum(t, restricted, d), maximum(t, alone, d)
		if its&^his != 0 || its&changes&^agents != 0 {
			t.Errorf("groups %v, deny-only %v, %s: granted %v, want a part of the user's %v, and of the agent's %v to change",
				groups, spec.Disable, text, its, his, agents)
		}
		if its != 0 {
			granted++
		}
		if its&changes != 0 {
			changed++
		}
	}
	if granted < questions/10 || changed < questions/100 {
		t.Errorf("%d of %d questions granted something, %d a change: want more, or the test shows nothing", granted,
			questions, changed)
	}
}

// maximum returns all rights that a token has, 0 for none.
func maximum(t *testing.T, tok *token.Token, d *sd.Descriptor) winnt.AccessMask {
	t.Helper()
	decision, err := access.Check(tok, d, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
	if err != nil {
		t.Fatal(err)
	}
	if !decision.Allowed() {
		return 0
	}
	return decision.Granted
}
