package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// runLine runs a command line.
func runLine(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c.yaml")
	check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// TestHelpFitsTerminal checks that the help pages of all commands fit 80 columns and hold no control codes in a pipe.
func TestHelpFitsTerminal(t *testing.T) {
	terminal.CheckHelp(t, "refmon-gateway", func(args ...string) string {
		code, out, errs := runLine(t, args...)
		check.That(t, code == exitSuccess && errs == "",
			"refmon-gateway %q: exit code %d, stderr %q, want %d and nothing", args, code, errs, exitSuccess)
		return out
	})
}

// TestGatewayVersionPrintsItsName checks that the gateway prints its name and its release, as the other programs do.
func TestGatewayVersionPrintsItsName(t *testing.T) {
	if code, out, errs := runLine(t, "version"); code != 0 || !strings.HasPrefix(out, "refmon-gateway ") || errs != "" {
		t.Errorf(`version: %d, %q, %q, want 0, text starting with "refmon-gateway ", ""`, code, out, errs)
	}
	if code, out, errs := runLine(t, "version", "more"); code != exitMalformed || out != "" || errs == "" {
		t.Errorf(`version more: %d, %q, %q, want %d, "", a non-empty string`, code, out, errs, exitMalformed)
	}
}

// TestGatewayConfigErrorsNamePosition checks that the default file has every key and is well-formed, and that each
// invalid value is an error with its position. TestGatewaySettingBeyondBoundIsRejected checks the values of each key.
func TestGatewayConfigErrorsNamePosition(t *testing.T) {
	code, text, _ := runLine(t, "config", "print")
	file := written(t, text)
	check.RequireThat(t, code == 0 && text == string(shipped), "print: %d, %d bytes", code, len(text))
	if code, out, errs := runLine(t, "config", "check", file); code != 0 || errs != "" || !strings.HasSuffix(out,
		"well formed; files at 127.0.0.1:8443, console at 127.0.0.1:8444\n") {
		t.Errorf(`check: %d, %q, %q, want 0, text ending with %q, ""`, code, out, errs,
			"well formed; files at 127.0.0.1:8443, console at 127.0.0.1:8444\n")
	}
	if code, out, errs := runLine(t, "config", "check", written(t, "console: ''\n")); code != 0 ||
		!strings.HasSuffix(out, "well formed; files at 127.0.0.1:8443, no console\n") {
		t.Errorf("check without a console: %d, %q, %q, want 0, text ending with %q", code, out, errs, "no console\n")
	}
	var keys func(reflect.Type)
	keys = func(s reflect.Type) {
		for i := range s.NumField() {
			if key := s.Field(i).Tag.Get("json") + ":"; !strings.Contains(text, key) {
				t.Errorf("refmon-gateway.yaml does not explain %s", key)
			}
			if s.Field(i).Type.Kind() == reflect.Struct {
				keys(s.Field(i).Type)
			}
		}
	}
	keys(reflect.TypeFor[settings]())
	for text, want := range map[string]string{
		"fyles: x\n":                       "line 1: fyles: unknown field",
		"files: 0.0.0.0:443\n":             "not a loopback address: give certificate and key",
		"socket: /x\nsocket: /y\n":         "line 2",
		"limits: {sessions: many}\n":       "sessions",
		"limits: {largestUpload: -1}\n":    "at least 1",
		"certificate: /none\nkey: /none\n": "certificate /none, key /none: ",
	} {
		file := written(t, text)
		code, _, errs := runLine(t, "config", "check", file)
		check.That(t, code == exitMalformed && strings.Contains(errs, file) && strings.Contains(errs, want),
			"%q: %d, %q, want %q", text, code, errs, want)
	}
	for _, args := range [][]string{{"nonsense"}, {"serve", "--config", "/none\x1b"},
		{"serve", "--config", written(t, "certificate: /none\nkey: /none\n")}} {
		if code, _, errs := runLine(t, args...); code != exitMalformed || errs == "" || strings.Contains(errs, "\x1b") {
			t.Errorf("%q: %d, %q, want %d and a text without control characters", args, code, errs, exitMalformed)
		}
	}
	if code, out, _ := runLine(t); code != 0 || !strings.Contains(out, "serve") {
		t.Errorf(`without a verb: %d, %q, want 0, text containing "serve"`, code, out)
	}
}

// TestLoopbackCertificateNamesHosts checks that the generated certificate is kept, has the configured names, also after
// they changed, and that only its owner may read its key.
func TestLoopbackCertificateNamesHosts(t *testing.T) {
	c := config{settings: settings{State: filepath.Join(t.TempDir(), "state"), Names: []string{"localhost", "::1"}}}
	first, made, err := c.certificate()
	check.RequireThat(t, err == nil && made != "", "%v %v", made, err)
	if err := first.Leaf.VerifyHostname("localhost"); err != nil {
		t.Error(err)
	}
	check.That(t, first.Leaf.VerifyHostname("other") != nil, "it names another host")
	c.Names = []string{"localhost", "0:0:0:0:0:0:0:1"} // the same names
	again, _, err := c.certificate()
	check.That(t, err == nil && bytes.Equal(first.Certificate[0], again.Certificate[0]),
		"a valid certificate was replaced, or error %v, want the first certificate", err)
	for _, names := range [][]string{{"localhost", "other"}, {"other", "::1"}, {"other"}, {"other", "127.0.0.1"}} {
		c.Names = names
		cert, _, err := c.certificate()
		check.NoError(t, err)
		got := len(cert.Leaf.DNSNames) + len(cert.Leaf.IPAddresses)
		for _, name := range names {
			if err := cert.Leaf.VerifyHostname(name); err != nil || got != len(names) {
				t.Errorf("the names became %v, the certificate has %v and %v: %v, want one for these names", names,
					cert.Leaf.DNSNames, cert.Leaf.IPAddresses, err)
			}
		}
	}
	info, err := os.Stat(filepath.Join(c.State, "loopback.key"))
	check.That(t, err == nil && info.Mode().Perm() == 0o600,
		"the key file: %v, %v, want mode 0600, no error", info, err)
}

// TestEmptyFlagValueIsRejected checks that a flag with an empty value, for example from an unset variable, is an
// error that names the flag.
func TestEmptyFlagValueIsRejected(t *testing.T) {
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"serve", "--config", ""}, &streams{out: &out, err: &said})
	check.That(t, code != 0 && out.Len() <= 0 && strings.Contains(said.String(), "--config is empty"),
		"exit code %d, printed %q, said %q", code, out.String(), said.String())
}
