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
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/auth/ldap/message"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// plantFaults runs before init serves a child, so a test's child has the faults too.
var _ = plantFaults()

var domain = sid.MustParse("S-1-5-21-10-20-30")

// sealedPAC returns the signed PAC of a user. The user's name selects the fault that the parser commits.
func sealedPAC(change func(*forge.PAC)) []byte {
	p := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE",
		AuthTime: time.Unix(1_800_000_000, 0), Groups: []forge.Group{{RID: 513, Attributes: 7}},
		Extra: []token.Group{{SID: sid.MustParse("S-1-18-1"), Attributes: 7}}, Requestor: domain.WithRID(1104)}
	if change != nil {
		change(&p)
	}
	return forge.Seal(p.Buffers(), forge.NewKey(18))
}

func plantFaults() bool {
	planted = func(_ []byte, p *pac.PAC) {
		word, argument, _ := strings.Cut(p.Logon.EffectiveName, " ")
		if f := faults[word]; f != nil {
			f(argument, p)
		}
	}
	plantedToken = func(_ []byte, t *kerberos.Token) {
		word, argument, _ := strings.Cut(string(bytes.Join(t.Service, []byte("/"))), " ")
		switch f := faults[word]; {
		case word == "outside":
			t.Sender.At = 1 << 40
		case word == "negative":
			t.Ticket.At, t.Ticket.Len = -8, 8
		case word == "other":
			t.Ticket, t.Sender = t.Sender, t.Ticket
		case word == "service":
			t.Service = [][]byte{[]byte("HTTP"), []byte("www")}
		case f != nil:
			f(argument, &pac.PAC{})
		}
	}
	plantedMessage = func(raw []byte, m *message.Message) {
		word, argument, _ := strings.Cut(string(raw[m.Name[0]:m.Name[0]+m.Name[1]]), " ")
		switch f := faults[word]; {
		case word == "outside":
			m.Name = message.Span{1 << 40, 1}
		case word == "negative":
			m.Name[0] = -m.Name[0]
		case word == "other": // the SID of the second attribute as that of the first
			m.Attributes[0].Values, m.Attributes[1].Values = m.Attributes[1].Values, m.Attributes[0].Values
		case word == "less":
			m.Attributes[1].Values = m.Attributes[1].Values[1:]
		case word == "success":
			m.Op = message.SearchDone
		case f != nil:
			f(argument, &pac.PAC{})
		}
	}
	return true
}

// faults are the actions of a compromised parser, by the first word of the account's name in the ticket.
var faults = map[string]func(argument string, p *pac.PAC){
	"panic": func(string, *pac.PAC) { panic("of the test") },
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
			_, _ = c.Read(make([]byte, 1)) // returns after the listener counted the connection
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

// newParser returns a parser that is closed at the end of the test.
func newParser(t testing.TB) *Parser {
	t.Helper()
	p := &Parser{}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	check.NoError(t, check.Err(p.Parse(sealedPAC(nil))))
	return p
}

// TestChildParsesLikeParse compares the child's answers with those of a parser in this process, for PACs with every
// kind of buffer, many groups and compressed claims (K-89).
func TestChildParsesLikeParse(t *testing.T) {
	p := newParser(t)
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
		data := sealedPAC(change)
		want, err := pac.Parse(data)
		check.RequireThat(t, err == nil, "%s: %v", name, err)
		got, err := p.Parse(data)
		check.That(t, err == nil && reflect.DeepEqual(got, want), "K-89: %s: %+v, %v\nwant %+v", name, got, err, want)
	}
	if _, err := p.Parse(sealedPAC(nil)[:40]); !errors.Is(err, pac.ErrInvalid) || errors.Is(err, ErrFailed) {
		t.Errorf("K-89: a malformed PAC: %v, want %v", err, pac.ErrInvalid)
	}
}

// TestCompromisedPACParserIsContained runs each fault in a parser of this process, where it succeeds, and in the child,
// where it fails: the host's kernel kills the child, or the parent rejects its reply. Another child parses the next PAC
// (K-89, K-90).
func TestCompromisedPACParserIsContained(t *testing.T) {
	w := newWorld(t)
	p := newParser(t)
	for _, c := range []struct {
		name, argument string
		want           error
	}{
		{"open", w.secret, ErrFailed}, {"trail", w.secret, ErrFailed}, {"remove", w.secret, ErrFailed},
		{"dial", w.address, ErrFailed}, {"run", w.mark, ErrFailed},
		{"signal", strconv.Itoa(os.Getpid()), ErrFailed}, {"trace", strconv.Itoa(os.Getpid()), ErrFailed},
		{"code", "", ErrFailed},
		{"account", "", pac.ErrInvalid}, {"domain", "", pac.ErrInvalid}, {"group", "", pac.ErrInvalid},
		{"more", "", pac.ErrInvalid}, {"extra", "", pac.ErrInvalid}, {"sponsor", "", pac.ErrInvalid},
		{"name", "", pac.ErrInvalid}, {"client", "", nil},
	} {
		data := sealedPAC(func(p *forge.PAC) { p.Name = c.name + " " + c.argument })
		w.reset(t)
		before := w.effects()
		got, err := p.Parse(data)
		check.ErrorIs(t, err, c.want, "K-89: %s in the child", c.name)
		check.Equal(t, w.effects(), before, "K-89: %s in the child", c.name)
		if c.want == nil {
			check.Equal(t, got.Client.Name, "c\x00l\x00i\x00e\x00n\x00t\x00 \x00", "K-90: the client's name")
		}
		check.Equal(t, check.Err(p.Parse(sealedPAC(nil))), nil, "the PAC after %s", c.name)
		// The same fault succeeds in this process, which has all rights.
		if c.name == "signal" || c.name == "trace" || c.name == "code" {
			continue
		}
		whole, err := pac.Parse(data)
		check.NoError(t, err)
		same := *whole
		same.Logon.Groups = append([]pac.Membership(nil), whole.Logon.Groups...)
		same.Logon.ExtraSIDs = append([]token.Group(nil), whole.Logon.ExtraSIDs...)
		planted(data, &same)
		check.That(t, w.effects() != before || !reflect.DeepEqual(&same, whole),
			"%s in this process had no effect: the fault shows nothing", c.name)
	}
	// A parser that panics fails only its request.
	status, text := answer(askPAC, sealedPAC(func(p *forge.PAC) { p.Name = "panic" }))
	check.That(t, status == statusBad && string(text) == "the parser panicked", "a panic: status %d, %q", status, text)
}

// world has the resources outside of the parser that a fault attacks.
type world struct {
	secret, mark string // a file of this process, and a file that a started program creates
	address      string // of a listener
	connections  atomic.Int32
}

// newWorld returns a world that is removed at the end of the test.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check.NoError(t, err)
	w := &world{secret: filepath.Join(dir, "secret"), mark: filepath.Join(dir, "mark"), address: l.Addr().String()}
	var dialed sync.WaitGroup
	dialed.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.connections.Add(1)
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		dialed.Wait()
	})
	return w
}

// reset restores the files.
func (w *world) reset(t *testing.T) {
	t.Helper()
	check.NoError(t, errors.Join(os.WriteFile(w.secret, []byte("secret"), 0o666), os.Chmod(w.secret, 0o666),
		os.Chmod(filepath.Dir(w.secret), 0o777)))
	_ = os.Remove(w.mark)
}

// effects returns the visible effects of the faults.
func (w *world) effects() string {
	b, _ := os.ReadFile(w.secret)
	_, err := os.Stat(w.mark)
	return fmt.Sprintf("%s, mark %t, %d connections", b, err == nil, w.connections.Load())
}

// acceptor returns an acceptor for a service whose tokens and PACs the parser parses, and a new ticket for it.
func acceptor(t *testing.T, p *Parser, service string) (*kerberos.Acceptor, *forge.Ticket) {
	t.Helper()
	key, now := forge.NewKey(18), time.Now()
	keys, err := kerberos.ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: "R", Version: 3, Key: key}))
	check.NoError(t, err)
	a, err := kerberos.New(kerberos.Config{Keys: keys, Realm: "R", Domain: domain, Parse: p.Parse, Split: p.Token})
	check.NoError(t, err)
	k := &forge.Ticket{Service: service, Realm: "R", Key: key, Version: 3, Client: "alice", At: now.Add(time.Minute),
		AuthTime: now.Add(-time.Hour).Truncate(time.Second)}
	signed := forge.PAC{Domain: domain, User: 1104, Primary: 513, Name: "alice", DomainName: "EXAMPLE",
		AuthTime: k.AuthTime, Groups: []forge.Group{{RID: 513, Attributes: 7}}, Requestor: domain.WithRID(1104)}
	k.PAC = forge.Seal(signed.Buffers(), key)
	return a, k
}

// TestChildProcessParsesTicket accepts a token that a child process splits and whose PAC it parses. Once no child can
// be started, the next token is rejected (K-89, K-91).
func TestChildProcessParsesTicket(t *testing.T) {
	p := newParser(t)
	a, k := acceptor(t, p, "HTTP/www.example.test")
	c, err := a.Accept(k.Blob(), nil)
	check.RequireThat(t, err == nil && c.Identity.User == domain.WithRID(1104) && c.Name == "alice",
		"K-91: %+v, %v", c, err)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	_, k = acceptor(t, p, "HTTP/www.example.test")
	check.ErrorIs(t, check.Err(a.Accept(k.Blob(), nil)), ErrFailed, "K-91: without a child")
}

// TestCompromisedTokenParserIsContained runs faults in the parser of tokens, which runs before anything is verified.
// The host's kernel kills the child, or the acceptor rejects the token. In this process the same faults succeed. The
// next token is accepted (K-91).
func TestCompromisedTokenParserIsContained(t *testing.T) {
	w, p := newWorld(t), newParser(t)
	for _, c := range []struct{ name, argument, want string }{
		{"open", w.secret, ErrFailed.Error()}, {"trail", w.secret, ErrFailed.Error()},
		{"remove", w.secret, ErrFailed.Error()}, {"dial", w.address, ErrFailed.Error()},
		{"run", w.mark, ErrFailed.Error()}, {"signal", strconv.Itoa(os.Getpid()), ErrFailed.Error()},
		{"trace", strconv.Itoa(os.Getpid()), ErrFailed.Error()}, {"code", "", ErrFailed.Error()},
		{"outside", "", "outside of the token"}, {"negative", "", "outside of the token"},
		{"other", "", "no key of the keytab opens the ticket"},
		{"service", "", "which the configuration does not name"},
	} {
		w.reset(t)
		before := w.effects()
		a, k := acceptor(t, p, c.name+" "+c.argument)
		blob := k.Blob()
		if _, err := a.Accept(blob, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("K-91: %s in the child: %v, want %q", c.name, err, c.want)
		}
		check.Equal(t, w.effects(), before, "K-91: %s in the child", c.name)
		a, k = acceptor(t, p, "HTTP/www.example.test")
		check.Equal(t, check.Err(a.Accept(k.Blob(), nil)), nil, "the token after %s", c.name)
		if c.name == "open" || c.name == "signal" || c.name == "trace" || c.name == "code" {
			continue // without a trace in this test's world
		}
		whole, err := kerberos.SplitToken(blob)
		check.NoError(t, err)
		same := *whole
		if plantedToken(blob, &same); w.effects() == before && reflect.DeepEqual(&same, whole) {
			t.Errorf("%s in this process had no effect: the fault shows nothing", c.name)
		}
	}
}

// TestChildSplitsLikeSplitToken compares the child's answers and errors with those of this process, for tokens of each
// form (K-91).
func TestChildSplitsLikeSplitToken(t *testing.T) {
	p := newParser(t)
	_, k := acceptor(t, p, "HTTP/www.example.test")
	raw, microsoft := *k, *k
	raw.Raw, raw.Mutual = true, true
	microsoft.Mechanisms = [][]byte{forge.OIDMSKerberos, forge.OIDKerberos}
	for name, blob := range map[string][]byte{"SPNEGO": k.Blob(), "raw": raw.Blob(), "Microsoft's": microsoft.Blob(),
		"NTLM": []byte("NTLMSSP\x00"), "NTLM offered": forge.Init([][]byte{forge.OIDNTLM}, []byte{1}), "empty": nil,
		"not first": forge.Init([][]byte{forge.OIDNTLM, forge.OIDKerberos}, []byte{1}), "cut off": k.Blob()[:100],
		"no token": forge.Init([][]byte{forge.OIDKerberos}, nil), "too long": make([]byte, kerberos.MaxBlob+1)} {
		want, wrong := kerberos.SplitToken(blob)
		got, err := p.Token(blob)
		check.That(t, errors.Is(err, wrong) && reflect.DeepEqual(got, want),
			"K-91: %s: %+v, %v\nwant %+v, %v", name, got, err, want, wrong)
	}
}

// entry returns a server's message: the entry of an account with its SID and two groups.
func entry(dn string) []byte {
	attribute := func(name string, values ...string) *ber.Packet {
		p := ber.NewSequence("")
		p.AppendChild(octetString(name))
		all := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			all.AppendChild(octetString(v))
		}
		p.AppendChild(all)
		return p
	}
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, 4, nil, "")
	op.AppendChild(octetString(dn))
	all := ber.NewSequence("")
	all.AppendChild(attribute("objectSid", domain.WithRID(1104).Binary()))
	all.AppendChild(attribute("tokenGroups", domain.WithRID(513).Binary(), domain.WithRID(512).Binary()))
	op.AppendChild(all)
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 7, ""))
	p.AppendChild(op)
	return p.Bytes()
}

func octetString(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

// TestCompromisedLDAPParserIsContained runs faults in the parser of LDAP messages. The host's kernel kills the child,
// or the parent rejects the rebuilt message. In this process the same faults succeed. The next message is split (D-39).
func TestCompromisedLDAPParserIsContained(t *testing.T) {
	w, p := newWorld(t), newParser(t)
	for _, c := range []struct {
		name, argument string
		want           error
	}{
		{"open", w.secret, ErrFailed}, {"trail", w.secret, ErrFailed}, {"remove", w.secret, ErrFailed},
		{"dial", w.address, ErrFailed}, {"run", w.mark, ErrFailed},
		{"signal", strconv.Itoa(os.Getpid()), ErrFailed}, {"trace", strconv.Itoa(os.Getpid()), ErrFailed},
		{"code", "", ErrFailed},
		{"outside", "", message.ErrInvalid}, {"negative", "", message.ErrInvalid}, {"other", "", message.ErrInvalid},
		{"less", "", message.ErrInvalid}, {"success", "", message.ErrInvalid},
	} {
		w.reset(t)
		raw, before := entry(c.name+" "+c.argument), w.effects()
		m, err := p.Message(raw)
		if err == nil {
			_, err = m.Rebuild(raw)
		}
		check.ErrorIs(t, err, c.want, "D-39: %s in the child", c.name)
		check.Equal(t, w.effects(), before, "D-39: %s in the child", c.name)
		plain := entry("CN=alice")
		if m, err = p.Message(plain); err != nil {
			t.Errorf("the message after %s: %v", c.name, err)
		} else if clean, err := m.Rebuild(plain); err != nil || !bytes.Equal(clean, plain) {
			t.Errorf("the message after %s: %x, %v, want %x", c.name, clean, err, plain)
		}
		if c.name == "open" || c.name == "signal" || c.name == "trace" || c.name == "code" {
			continue // without a trace in this test's world
		}
		whole, err := message.Split(raw)
		check.NoError(t, err)
		same, err := message.Split(raw)
		check.NoError(t, err)
		if plantedMessage(raw, same); w.effects() == before && reflect.DeepEqual(same, whole) {
			t.Errorf("%s in this process had no effect: the fault shows nothing", c.name)
		}
	}
	check.ErrorIs(t, check.Err(p.Message(make([]byte, longest+1))), message.ErrInvalid, "a message that is too long")
	if _, err := p.Message([]byte{0x30, 0}); !errors.Is(err, message.ErrInvalid) || errors.Is(err, ErrFailed) {
		t.Errorf("a malformed message: %v, want %v", err, message.ErrInvalid)
	}
}

// TestChildHasNoRights checks the child's user, capabilities, filter, limits and descriptors in /proc. The child closed
// a descriptor that it inherited, and no process of its user may read its memory (K-89).
func TestChildHasNoRights(t *testing.T) {
	inherited, err := unix.Open(os.Args[0], unix.O_RDONLY, 0) // without O_CLOEXEC
	check.NoError(t, err)
	defer func() { _ = unix.Close(inherited) }()
	p := newParser(t)
	p.mu.Lock()
	pid := p.child.process.Pid
	p.mu.Unlock()
	proc := fmt.Sprintf("/proc/%d/", pid)
	b := check.Must(os.ReadFile(proc + "status"))
	for _, want := range []string{"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000",
		"Seccomp:\t2", "NoNewPrivs:\t1"} {
		check.That(t, bytes.Contains(b, []byte(want)), "K-89: the child lacks %q", want)
	}
	check.That(t, os.Getuid() != 0 || bytes.Contains(b, []byte("Uid:\t65534\t65534\t65534\t65534")),
		"K-89: the child's user: %s", b)
	check.That(t, os.Getuid() != 0 || bytes.Contains(b, []byte("Gid:\t65534\t65534\t65534\t65534")) &&
		regexp.MustCompile(`(?m)^Groups:\s*$`).Match(b), "K-89: the child's groups: %s", b)
	if fds, err := os.ReadDir(proc + "fd"); err == nil {
		for _, fd := range fds {
			to, err := os.Readlink(proc + "fd/" + fd.Name())
			if err == nil && !strings.HasPrefix(to, "pipe:") && to != os.DevNull && !strings.HasPrefix(to, "anon_inode:") {
				t.Errorf("K-89: the child holds %s", to)
			}
		}
	}
	env, err := os.ReadFile(proc + "environ")
	check.That(t, os.Getuid() == 0 || errors.Is(err, os.ErrPermission),
		"K-89: a process of the child's user reads its environment: %q, %v, want %v", env, err, os.ErrPermission)
	check.That(t, os.Getuid() != 0 || err == nil && string(env) == strings.Join(environment, "\x00")+"\x00",
		"K-89: the child's environment %q, %v", env, err)
	if info, err := os.Stat(proc + "mem"); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("K-89: the child's memory belongs to its user: %+v, %v", info, err)
	}
	limits, err := os.ReadFile(proc + "limits")
	check.That(t, err == nil && strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max open files 0 0"),
		"K-89: limits %s, %v", limits, err)
}

// TestParserSurvivesKilledChild checks that a killed child fails at most one PAC, that a stopped child fails one after
// the longest time for a request, and that a closed parser returns an error.
func TestParserSurvivesKilledChild(t *testing.T) {
	t.Parallel()
	p := newParser(t)
	for _, s := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP} {
		p.mu.Lock()
		_ = p.child.process.Signal(s)
		p.mu.Unlock()
		if _, err := p.Parse(sealedPAC(nil)); (err != nil || s == unix.SIGSTOP) && !errors.Is(err, ErrFailed) {
			t.Errorf("after signal %v: %v, want %v", s, err, ErrFailed)
		}
		check.NoError(t, check.Err(p.Parse(sealedPAC(nil))))
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	check.ErrorIs(t, check.Err(p.Parse(sealedPAC(nil))), ErrFailed, "after Close")
}

// TestLargestRequestReachesTheChild checks that the child itself rejects malformed input of the largest size.
func TestLargestRequestReachesTheChild(t *testing.T) {
	p := newParser(t)
	for what, c := range map[string]struct {
		err  error
		want string
	}{"a PAC": {check.Err(p.Parse(make([]byte, pac.MaxSize))), "no buffer of type 1, which every KDC of Active"},
		"a token":   {check.Err(p.Token(append([]byte("NTLMSSP\x00"), make([]byte, kerberos.MaxBlob-8)...))), "NTLM"},
		"a message": {check.Err(p.Message(make([]byte, longest))), "want 0x30"}} {
		check.That(t, c.err != nil && strings.Contains(c.err.Error(), c.want), "%s: %v, want %q", what, c.err, c.want)
	}
}

// TestRequestsOfTheChildAreBounded checks that the child exits at a malformed request.
func TestRequestsOfTheChildAreBounded(t *testing.T) {
	for name, in := range map[string]string{"too large": "\x00\xff\xff\xff\xff", "cut off": "\x00\x08\x00\x00\x00abc",
		"too large by a byte": "\x00\x01\x00\x00\x01" + strings.Repeat("\x00", longest+1),
		"unknown kind":        "\x03\x01\x00\x00\x00a",
		"half":                "\x01"} {
		var out bytes.Buffer
		if err := serve(strings.NewReader(in), &out); err == nil || out.Len() != 0 {
			t.Errorf("%s: %v, %d bytes, want an error and none", name, err, out.Len())
		}
	}
	check.Equal(t, serve(strings.NewReader(""), nil), nil, "the end")
}

// BenchmarkMessage splits and rebuilds the entry of a user with 50 groups in the child, and in this process.
func BenchmarkMessage(b *testing.B) {
	raw := entry("CN=" + strings.Repeat("x", 50*30))
	p := newParser(b)
	for name, split := range map[string]func([]byte) (*message.Message, error){"child": p.Message, "here": message.Split} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m, err := split(raw)
				check.NoError(b, err)
				check.NoError(b, check.Err(m.Rebuild(raw)))
			}
		})
	}
}

// BenchmarkParse parses the PAC of a user with 50 groups in the child, and in this process.
func BenchmarkParse(b *testing.B) {
	data := sealedPAC(func(p *forge.PAC) {
		for i := range 50 {
			p.Groups = append(p.Groups, forge.Group{RID: uint32(2000 + i), Attributes: 7})
		}
	})
	p := newParser(b)
	for name, parse := range map[string]func([]byte) (*pac.PAC, error){"child": p.Parse, "here": pac.Parse} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				check.NoError(b, check.Err(parse(data)))
			}
		})
	}
}
