package authzen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// connections is the number of concurrent clients of the benchmark.
const connections = 16

// peer is a server in another process that decides questions about the records of the example.
type peer struct {
	name, at, path string
	header         string
	body           string // the format string of a question
}

// allows reports whether a response of this package or of OPA grants access.
func allows(body []byte) bool {
	var a struct{ Decision, Result bool }
	return json.Unmarshal(body, &a) == nil && (a.Decision || a.Result)
}

// start starts a server and waits until it accepts connections.
func start(t testing.TB, at, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), program, args...)
	cmd.Stderr = t.Output()
	check.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	check.Eventually(t, func() bool {
		c, err := net.Dial("tcp", at)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, "%s accepts no connection at %s", program, at)
}

// free returns an unused loopback address.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// refmons starts two example servers: one without audit records, one with a durable record of each question.
func refmons(t testing.TB) []peer {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "authzen")
	if out, err := exec.Command("go", "build", "-C", "../../examples/authzen", "-o", program,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var list []peer
	for name, args := range map[string][]string{"refmon, no records": nil,
		"refmon, each question recorded": {"-audit", filepath.Join(dir, "audit")}} {
		at := free(t)
		start(t, at, program, append(args, "-listen", at)...)
		list = append(list, peer{name, at, EvaluationPath, "Authorization: Bearer gateway-secret\r\n", "%s"})
	}
	return list
}

// opa starts the server of the Open Policy Agent: the program $OPA, or opa on the path.
func opa(t testing.TB) peer {
	t.Helper()
	program := os.Getenv("OPA")
	if program == "" {
		found, err := exec.LookPath("opa")
		if err != nil {
			t.Skip("set OPA to a program of github.com/open-policy-agent/opa, or put opa on the path")
		}
		program = found
	}
	at := free(t)
	start(t, at, program, "run", "--server", "--addr", at, "--log-level", "error", "--skip-version-check",
		"testdata/records.rego")
	return peer{"OPA", at, "/v1/data/records/allow", "", `{"input":%s}`}
}

// client is one connection to a peer.
type client struct {
	net.Conn
	r *bufio.Reader
}

func (p *peer) dial() (*client, error) {
	c, err := net.Dial("tcp", p.at)
	if err != nil {
		return nil, err
	}
	return &client{c, bufio.NewReader(c)}, nil
}

// request returns the bytes of a request with a question.
func (p *peer) request(question string) []byte {
	body := fmt.Sprintf(p.body, question)
	return fmt.Appendf(nil,
		"POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		p.path, p.at, p.header, len(body), body)
}

// ask sends a request and returns the body of the response.
func (c *client) ask(request []byte) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("%s: %s", r.Status, b))
	}
	return b, err
}

// load sends a question n times on 16 connections and returns the duration. Each response must allow.
func (p *peer) load(b *testing.B, question string, n int) time.Duration {
	b.Helper()
	request := p.request(question)
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	begun := time.Now()
	for range connections {
		all.Go(func() {
			c, err := p.dial()
			if err != nil {
				b.Error(p.name, err)
				return
			}
			defer c.Close()
			for left.Add(-1) >= 0 {
				if body, err := c.ask(request); err != nil || !allows(body) {
					b.Errorf("%s: %s, %v", p.name, body, err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(begun)
}

// BenchmarkEvaluation sends one question on 16 loopback connections, alternately to this package and to OPA. Each
// server is a process of its own. The benchmark reports questions per second for each.
func BenchmarkEvaluation(b *testing.B) {
	peers := append(refmons(b), opa(b))
	question := whole[:len(whole)-1] + `,"unknown":1}`
	const each = 4000
	spent, n := make([]time.Duration, len(peers)), 0
	for i := range peers {
		peers[i].load(b, question, each)
	}
	for b.Loop() {
		n += each
		for i := range peers {
			spent[i] += peers[i].load(b, question, each)
		}
	}
	for i := range peers {
		b.ReportMetric(float64(n)/spent[i].Seconds(), "q/s:"+strings.ReplaceAll(peers[i].name, " ", "-"))
	}
}

// TestDecisionsEqualOPA compares every decision about the records of the example with that of OPA for equivalent Rego
// rules.
func TestDecisionsEqualOPA(t *testing.T) {
	p := opa(t)
	c, err := p.dial()
	check.NoError(t, err)
	defer c.Close()
	h, n := records(t), 0
	for _, who := range []string{"alice", "bob", "carol", "dave", "erin"} {
		for _, action := range []string{"can_view", "can_edit", "can_delete", "can_restore", "can_fly"} {
			for i := range 6 {
				for _, properties := range []string{`{}`, `{"status":"draft"}`, `{"status":"locked"}`,
					`{"deleted":false,"owner":"dave"}`} {
					q := fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":%q},`+
						`"resource":{"type":"record","id":"record-%d","properties":%s}}`, who, action, i+1, properties)
					body, err := c.ask(p.request(q))
					check.NoError(t, err)
					_, got, _ := post(h, EvaluationPath, q)
					if allowed := got == `{"decision":true}`; allowed != allows(body) {
						t.Errorf("%s: %s, OPA decided %s", q, got, body)
					}
					n++
				}
			}
		}
	}
	t.Log(n, "questions")
}
