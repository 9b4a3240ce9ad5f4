package confined

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// The faults of the tests are planted before init serves a child, so the child of a test has them.
var _ = plant()

var domain = sid.MustParse("S-1-5-21-10-20-30")

// sealed returns the signed PAC of a user with a full name, which says what a planted fault does.
func sealed(change func(*forge.PAC)) []byte {
	p := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE",
		AuthTime: time.Unix(1_800_000_000, 0), Groups: []forge.Group{{RID: 513, Attributes: 7}},
		Extra: []token.Group{{SID: sid.MustParse("S-1-18-1"), Attributes: 7}}, Requestor: domain.WithRID(1104)}
	if change != nil {
		change(&p)
	}
	return forge.Seal(p.Buffers(), forge.NewKey(18))
}

func plant() bool {
	planted = func(_ []byte, p *pac.PAC) {
		word, argument, _ := strings.Cut(p.Logon.EffectiveName, " ")
		if f := faults[word]; f != nil {
			f(argument, p)
		}
	}
	return true
}

// faults are what a faulty parser does with a ticket whose account has that name.
var faults = map[string]func(argument string, p *pac.PAC){
	"open": func(path string, p *pac.PAC) {
		if b, err := os.ReadFile(path); err == nil {
			p.Logon.LogonServer = string(b)
		}
	},
	"trail": func(path string, _ *pac.PAC) {
		if f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0); err == nil {
			_, _ = f.WriteString("nothing happened")
			_ = f.Close()
		}
	},
	"remove": func(path string, _ *pac.PAC) { _ = os.Remove(path) },
	"dial": func(address string, _ *pac.PAC) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_, _ = c.Read(make([]byte, 1)) // the listener has counted it
			_ = c.Close()
		}
	},
	"run": func(path string, _ *pac.PAC) { _ = exec.Command("/bin/sh", "-c", "echo run > "+path).Run() },
	"signal": func(pid string, _ *pac.PAC) {
		n, _ := strconv.Atoi(pid)
		_ = unix.Kill(n, unix.SIGUSR2)
	},
	"trace": func(pid string, _ *pac.PAC) {
		n, _ := strconv.Atoi(pid)
		_ = unix.PtraceAttach(n)
	},
	"code": func(string, *pac.PAC) {
		_, _ = unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	},
	"loop":    func(string, *pac.PAC) { select {} },
	"account": func(_ string, p *pac.PAC) { p.Logon.UserID = 500 },
	"domain":  func(_ string, p *pac.PAC) { p.Logon.DomainID = sid.MustParse("S-1-5-21-1-1-1") },
	"group":   func(_ string, p *pac.PAC) { p.Logon.Groups[0].RID = 512 },
	"more": func(_ string, p *pac.PAC) {
		p.Logon.Groups = append(p.Logon.Groups, pac.Membership{RID: 512, Attributes: 7})
	},
	"extra":   func(_ string, p *pac.PAC) { p.Logon.ExtraSIDs[0].SID = sid.MustParse("S-1-5-32-544") },
	"client":  func(_ string, p *pac.PAC) { p.Client.Name = "a\x00d\x00" },
	"sponsor": func(_ string, p *pac.PAC) { p.Requestor, p.Logon.UserID = domain.WithRID(500), 500 },
	"name":    func(_ string, p *pac.PAC) { p.Logon.EffectiveName = "Administrator" },
}

// parser returns a parser until the end of the test.
func parser(t testing.TB) *Parser {
	t.Helper()
	p := &Parser{}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := p.Parse(sealed(nil)); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestChildParsesLikeParse compares the child's answers with those of a parser in this process, for PACs with every
// kind of buffer, many groups and compressed claims (K-89).
func TestChildParsesLikeParse(t *testing.T) {
	p := parser(t)
	list := []claims.Attribute{{Name: "ad://ext/dept", Type: claims.String, Strings: []string{"R&D", "ü"}},
		{Name: "ad://ext/n", Type: claims.Int64, Ints: []int64{-1, 1 << 62}}}
	for name, change := range map[string]func(*forge.PAC){
		"plain": nil,
		"1,000 groups": func(p *forge.PAC) {
			for i := range 1000 {
				p.Groups = append(p.Groups, forge.Group{RID: uint32(2000 + i), Attributes: 7})
			}
		},
		"claims":            func(p *forge.PAC) { p.Claims = list },
		"compressed claims": func(p *forge.PAC) { p.Claims, p.Compressed = list, true },
		"the rest": func(p *forge.PAC) {
			p.UPN, p.DNSDomain, p.WithAttributes, p.Delegated = "alice@x", "X", true, []string{"a/b"}
			p.ResourceDomain, p.Resources = domain, []forge.Group{{RID: 5000, Attributes: 7}}
			p.Device = &forge.Device{Domain: domain, User: 1200, Primary: 515, Groups: []forge.Group{{RID: 515, Attributes: 7}}}
		},
	} {
		data := sealed(change)
		want, err := pac.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := p.Parse(data)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("K-89: %s: %+v, %v\nwant %+v", name, got, err, want)
		}
	}
	if _, err := p.Parse(sealed(nil)[:40]); !errors.Is(err, pac.ErrInvalid) || errors.Is(err, ErrFailed) {
		t.Errorf("K-89: a malformed PAC: %v, want %v", err, pac.ErrInvalid)
	}
}

// TestFaultInParserReachesNothing runs the same faults in a parser of this process, where each one succeeds, and in the
// child, where none does: the host's kernel kills the child, or the parent refuses its answer. The next PAC is parsed
// by another child (K-89, K-90).
func TestFaultInParserReachesNothing(t *testing.T) {
	dir := t.TempDir()
	secret, mark := filepath.Join(dir, "secret"), filepath.Join(dir, "mark")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var dialed sync.WaitGroup
	var mu sync.Mutex
	connections := 0
	dialed.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			connections++
			mu.Unlock()
			_ = c.Close()
		}
	})
	reset := func() {
		if err := errors.Join(os.WriteFile(secret, []byte("secret"), 0o666), os.Chmod(secret, 0o666),
			os.Chmod(dir, 0o777)); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(mark)
	}
	seen := func() string {
		b, _ := os.ReadFile(secret)
		_, err := os.Stat(mark)
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprintf("%s, mark %t, %d connections", b, err == nil, connections)
	}
	p := parser(t)
	for _, c := range []struct {
		name, argument string
		want           error
	}{
		{"open", secret, ErrFailed}, {"trail", secret, ErrFailed}, {"remove", secret, ErrFailed},
		{"dial", l.Addr().String(), ErrFailed}, {"run", mark, ErrFailed},
		{"signal", strconv.Itoa(os.Getpid()), ErrFailed}, {"trace", strconv.Itoa(os.Getpid()), ErrFailed},
		{"code", "", ErrFailed},
		{"account", "", pac.ErrInvalid}, {"domain", "", pac.ErrInvalid}, {"group", "", pac.ErrInvalid},
		{"more", "", pac.ErrInvalid}, {"extra", "", pac.ErrInvalid}, {"sponsor", "", pac.ErrInvalid},
		{"name", "", pac.ErrInvalid}, {"client", "", nil},
	} {
		data := sealed(func(p *forge.PAC) { p.Name = c.name + " " + c.argument })
		reset()
		before := seen()
		got, err := p.Parse(data)
		if !errors.Is(err, c.want) {
			t.Errorf("K-89: %s in the child: %v, want %v", c.name, err, c.want)
		}
		if after := seen(); after != before {
			t.Errorf("K-89: %s in the child: %s, want %s", c.name, after, before)
		}
		if c.want == nil && got.Client.Name != "c\x00l\x00i\x00e\x00n\x00t\x00 \x00" {
			t.Errorf("K-90: the client's name is %q", got.Client.Name)
		}
		if _, err := p.Parse(sealed(nil)); err != nil {
			t.Errorf("the PAC after %s: %v", c.name, err)
		}
		// The same fault in a process that holds everything.
		if c.name == "signal" || c.name == "trace" || c.name == "code" {
			continue
		}
		whole, err := pac.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		same := *whole
		same.Logon.Groups = append([]pac.Membership(nil), whole.Logon.Groups...)
		same.Logon.ExtraSIDs = append([]token.Group(nil), whole.Logon.ExtraSIDs...)
		planted(data, &same)
		if seen() == before && reflect.DeepEqual(&same, whole) {
			t.Errorf("%s in this process had no effect: the fault shows nothing", c.name)
		}
	}
	_ = l.Close()
	dialed.Wait()
}

// TestChildHasNoRights checks what the host's kernel says about the child: its user, capabilities, filter, limits and
// descriptors (K-89).
func TestChildHasNoRights(t *testing.T) {
	p := parser(t)
	p.mu.Lock()
	pid := p.child.process.Pid
	p.mu.Unlock()
	proc := fmt.Sprintf("/proc/%d/", pid)
	b, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000",
		"Seccomp:\t2", "NoNewPrivs:\t1"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("K-89: the child lacks %q", want)
		}
	}
	if os.Getuid() == 0 && !bytes.Contains(b, []byte("Uid:\t65534\t65534\t65534\t65534")) {
		t.Errorf("K-89: the child's user: %s", b)
	}
	if fds, err := os.ReadDir(proc + "fd"); err == nil {
		for _, fd := range fds {
			to, err := os.Readlink(proc + "fd/" + fd.Name())
			if err == nil && !strings.HasPrefix(to, "pipe:") && to != os.DevNull && !strings.HasPrefix(to, "anon_inode:") {
				t.Errorf("K-89: the child holds %s", to)
			}
		}
	}
	if env, err := os.ReadFile(proc + "environ"); err != nil || string(env) != strings.Join(environment, "\x00")+"\x00" {
		t.Errorf("K-89: the child's environment %q, %v", env, err)
	}
	limits, err := os.ReadFile(proc + "limits")
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max open files 0 0") {
		t.Errorf("K-89: limits %s, %v", limits, err)
	}
}

// TestParserSurvivesKilledChild checks that a killed child costs at most one PAC, and that a closed parser refuses.
func TestParserSurvivesKilledChild(t *testing.T) {
	p := parser(t)
	p.mu.Lock()
	_ = p.child.process.Kill()
	p.mu.Unlock()
	if _, err := p.Parse(sealed(nil)); err != nil && !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	if _, err := p.Parse(sealed(nil)); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.Parse(sealed(nil)); !errors.Is(err, ErrFailed) {
		t.Errorf("after Close: %v, want %v", err, ErrFailed)
	}
}

// TestRequestsOfTheChildAreBounded checks what the child does with malformed requests: it ends.
func TestRequestsOfTheChildAreBounded(t *testing.T) {
	for name, in := range map[string]string{"too large": "\xff\xff\xff\xff", "cut off": "\x08\x00\x00\x00abc",
		"half": "\x01"} {
		var out bytes.Buffer
		if err := serve(strings.NewReader(in), &out); err == nil || out.Len() != 0 {
			t.Errorf("%s: %v, %d bytes, want an error and none", name, err, out.Len())
		}
	}
	if err := serve(strings.NewReader(""), nil); err != nil {
		t.Errorf("the end: %v", err)
	}
}

// BenchmarkParse parses the PAC of a user with 50 groups in the child, and in this process.
func BenchmarkParse(b *testing.B) {
	data := sealed(func(p *forge.PAC) {
		for i := range 50 {
			p.Groups = append(p.Groups, forge.Group{RID: uint32(2000 + i), Attributes: 7})
		}
	})
	p := parser(b)
	for name, parse := range map[string]func([]byte) (*pac.PAC, error){"child": p.Parse, "here": pac.Parse} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
