package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
)

// TestProgramIsSmallAndIndependent limits the lines that an auditor has to read, comments and blank ones included.
// They import the standard library only.
func TestProgramIsSmallAndIndependent(t *testing.T) {
	files := testcheck.Must(filepath.Glob("*.go"))
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b := testcheck.Must(os.ReadFile(name))
		if strings.Contains(string(b), "refmon/refmon/") || strings.Contains(string(b), `"golang.org/`) {
			t.Errorf("%s imports more than the standard library, want only that", name)
		}
		n, apart := 0, map[string]int{"audit.go": 208, "version.go": 51}[name]
		for line := range bytes.Lines(b) {
			if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
				n++
			}
		}
		if apart == 0 {
			lines += n
		} else if n > apart { // a subject of its own
			t.Errorf("%s: %d lines without comments, want at most %d", name, n, apart)
		}
	}
	testcheck.That(t, lines <= 1550, "%d lines of Go without comments, want at most 1550", lines)
	b, err := os.ReadFile("../../tools/verify.py")
	if n := bytes.Count(b, []byte("\n")); err != nil || n > 1075 {
		t.Errorf("verify.py: %d lines, at most 1075 are allowed; %v, want at most 1075, nil", n, err)
	}
}

func TestVerifyExitsWith1ForAlteredCertificate(t *testing.T) {
	s := world{World: questions.World{Rand: rand.New(rand.NewPCG(1, 0))}}.sample(t, map[string]int{})
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		testcheck.NoError(t, os.WriteFile(name, b, 0o600))
		return name
	}
	c, d, k := write("c", s.cert), write("d", s.descriptor), write("t", s.token)
	h := write("h", fmt.Appendf(nil, "%x\n", s.descriptor))
	endless := write("e", nil)
	testcheck.NoError(t, os.Truncate(endless, 64<<20+1))
	for want, args := range map[int][][]string{
		0: {{c, d, k}, {c, h, k}, {"version"}},
		1: {{write("a", bytes.Replace(s.cert, []byte(`"status":"STATUS_`), []byte(`"status":"STATUS_X`), 1)), d, k},
			{k, d, k}, {c, d, c},
			{write("b", bytes.Replace(s.cert, []byte(`certificate 2`), []byte(`certificate 3`), 1)), d, k}},
		2: {{}, {c}, {c, d, "nosuch"}, {c, d, endless}, {"version", "more"}},
	} {
		for _, a := range args {
			testcheck.Equal(t, run(a), want, "%q: exit code", a)
		}
	}
}

// TestReleasedCertificatesVerify verifies the certificates that released versions wrote. A newer form is an error that
// names both forms and the remedy, also if it has fields that this release does not know.
func TestReleasedCertificatesVerify(t *testing.T) {
	dirs, err := filepath.Glob("../../testdata/formats/*/certificate")
	testcheck.RequireThat(t, err == nil && len(dirs) != 0, "%v %v", dirs, err)
	for _, dir := range dirs {
		read := func(name string) string {
			b := testcheck.Must(os.ReadFile(filepath.Join(dir, name)))
			return string(b)
		}
		cert, descriptor, err := read("certificate"), read("certificate.sd"), error(nil)
		d, err := hex.DecodeString(strings.TrimSpace(descriptor))
		testcheck.NoError(t, err)
		if got, err := verify(cert, string(d), read("token.json")); err != nil ||
			got != "STATUS_ACCESS_DENIED granted 0x00000000 in 1 steps" {
			t.Errorf("%s: %q, %v", dir, got, err)
		}
		for n := range strings.TrimSpace(cert) {
			_, err := verify(cert[:n], string(d), read("token.json"))
			testcheck.That(t, err != nil && strings.Contains(err.Error(), "give the whole file"),
				"a certificate cut after %d bytes: %v", n, err)
		}
		newer := strings.Replace(cert, `certificate 2"`, `certificate 3","time":[1.5]`, 1)
		want := "the form is refmon access certificate 3, this program knows refmon access certificate 2: " +
			"use the release that wrote it"
		if _, err := verify(newer, string(d), read("token.json")); err == nil || err.Error() != want {
			t.Errorf("a newer certificate: %v, want %s", err, want)
		}
	}
}

// TestTextHasOneSpelling checks that a text is accepted only as refmon writes it.
func TestTextHasOneSpelling(t *testing.T) {
	for text, good := range map[string]bool{`"\u001f"`: true, `"\u001F"`: false, `"ü"`: true, `"\u00fc"`: false,
		`"\/"`: false, `"\u000a"`: false, `"<"`: true, `"\u003c"`: false,
		strings.Repeat("[", 63) + strings.Repeat("]", 63): true,
		strings.Repeat("[", 64) + strings.Repeat("]", 64): false} {
		func() {
			defer func() { testcheck.Equal(t, recover() == nil, good, "%s is accepted", text) }()
			parseObject("text", `{"a":`+text+`}`, regexp.MustCompile("."))
		}()
	}
}
