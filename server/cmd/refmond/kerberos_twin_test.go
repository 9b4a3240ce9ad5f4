package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/winnt"
)

const gssConf = `[libdefaults]
 default_realm = EXAMPLE.TEST
 rdns = false
 dns_canonicalize_hostname = false
 dns_lookup_kdc = false
 dns_lookup_realm = false
[domain_realm]
 .example.test = EXAMPLE.TEST
`

// TestGSSAPIClientLogsOnThroughPipe connects a C client that uses libkrb5's GSSAPI with a server through a named pipe
// of refmond. The server logs the client on with its token at the level that the client allows, and the response proves
// to the client that it reached the intended server (K-35, K-45, K-48). It runs with SPNEGO and with Kerberos alone.
func TestGSSAPIClientLogsOnThroughPipe(t *testing.T) {
	p := build(t)
	c := p.gssClient()
	key := forge.NewKey(18)
	p.configure(kerberosKeys(p.keytab(2, key)))
	p.serve()
	pipes, err := p.dial(p.socket).Thread().ListenPipe("gss", nt.PipeConfig{Message: true,
		SecurityDescriptor: sddl.MustParse("D:(A;;FA;;;WD)(A;;FA;;;OW)")})
	check.NoError(p, err)
	served := make(chan gssLogon, 1)
	go p.serveGSS(pipes, served)
	for _, run := range []struct {
		mechanism, flags string
		level            winnt.SecurityImpersonationLevel
	}{
		{"spnego", "-", winnt.SecurityImpersonation}, {"krb5", "-", winnt.SecurityImpersonation},
		{"spnego", "identify", winnt.SecurityIdentification},
	} {
		// The authenticator has the time of now, and refmond takes none of its first second.
		for deadline := time.Now().Add(time.Minute); ; {
			said := p.runGSS(c, key, run.mechanism, run.flags)
			got := <-served
			if got.status == ntstatus.LogonFailure && time.Now().Before(deadline) {
				continue
			}
			if got.err != nil || got.status != ntstatus.Success || got.level != run.level ||
				!strings.Contains(said, "established, mutual") {
				t.Errorf("K-48: %s, %s: %+v; the client printed %q", run.mechanism, run.flags, got, said)
			}
			break
		}
	}
}

// gssLogon is the result of one client.
type gssLogon struct {
	status ntstatus.Status
	level  winnt.SecurityImpersonationLevel
	err    error
}

// gssClient compiles the client.
func (p *program) gssClient() string {
	p.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		p.Skip("no gcc here: ", err)
	}
	if _, err := os.Stat("/usr/include/gssapi/gssapi_ext.h"); err != nil {
		p.Skip("no headers of GSSAPI here: install the package libkrb5-dev: ", err)
	}
	bin := filepath.Join(p.dir, "gss")
	build := exec.Command("gcc", "-Wall", "-Werror", "-o", bin, "testdata/gss.c", "-lgssapi_krb5")
	if out, err := build.CombinedOutput(); err != nil {
		p.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// serveGSS serves clients of the pipe one after the other.
func (p *program) serveGSS(pipes *nt.PipeListener, served chan<- gssLogon) {
	for {
		c, err := pipes.AcceptPipe()
		if err != nil {
			return
		}
		got := p.logGSS(c)
		served <- got
		if got.status == ntstatus.Success {
			_, _ = c.Read(make([]byte, 1)) // the client has received its reply when it disconnects
		}
		_ = c.Close()
	}
}

// logGSS logs on with the token that a client sends through the pipe.
func (p *program) logGSS(pipe *nt.PipeConn) (got gssLogon) {
	conn, err := client.Dial(p.socket)
	if err != nil {
		return gssLogon{err: err}
	}
	defer conn.Close()
	blob := make([]byte, 64<<10)
	n, err := pipe.Read(blob)
	if err != nil {
		return gssLogon{err: err}
	}
	out, st := ticketLogOn(conn, blob[:n], winnt.LOGON32_LOGON_NETWORK)
	got.status = st
	if st == ntstatus.Success {
		if v, st := conn.Thread().NtQueryInformationToken(out.Token, winnt.TokenImpersonationLevel); st == ntstatus.Success {
			got.level, _ = v.(winnt.SecurityImpersonationLevel)
		}
	}
	answer, err := base64.StdEncoding.DecodeString(out.ProfileBuffer)
	if err == nil && len(answer) > 0 {
		_, err = pipe.Write(answer)
	}
	got.err = err
	return got
}

// runGSS runs the client with a ticket, connected to the pipe, and returns its output.
func (p *program) runGSS(bin string, key types.EncryptionKey, mechanism, flags string) string {
	p.Helper()
	k := ticketAt(time.Now().Add(-time.Minute), 2, key) // libkrb5 does not use a ticket that starts in the future
	cache, conf := filepath.Join(p.dir, "cc"), filepath.Join(p.dir, "krb5.conf")
	check.NoError(p, errors.Join(os.WriteFile(cache, k.Cache(), 0o600), os.WriteFile(conf, []byte(gssConf), 0o600)))
	pipe, err := p.dial(p.socket).Thread().DialPipe("gss", nil)
	check.NoError(p, err)
	defer pipe.Close()
	cmd := exec.Command(bin, "HTTP@www.example.test", mechanism, flags)
	cmd.Env = append(os.Environ(), "KRB5_CONFIG="+conf, "KRB5CCNAME=FILE:"+cache)
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	check.NoError(p, err)
	out, err := cmd.StdoutPipe()
	check.NoError(p, err)
	check.NoError(p, cmd.Start())
	size, answer := make([]byte, 4), make([]byte, 64<<10)
	if _, err := io.ReadFull(out, size); err == nil {
		token := make([]byte, binary.LittleEndian.Uint32(size))
		if _, err := io.ReadFull(out, token); err == nil {
			if _, err = pipe.Write(token); err == nil {
				if n, err := pipe.Read(answer); err == nil {
					_, _ = in.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(n)), answer[:n]...))
				}
			}
		}
	}
	_ = in.Close()
	_ = cmd.Wait() // the output contains the result
	return said.String()
}
