package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
)

// verdictDriver prints the verdict of the Python verifier on each line of a file: true, or the reason against it.
const verdictDriver = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "../../tools")
import verify as v
for line in open(sys.argv[1], encoding="utf-8"):
    s = [bytes.fromhex(part) for part in json.loads(line)]
    try: v.verify(*s) and print("true")
    except v.Refused as e: print(ascii(str(e)))
`

// pythonVerdicts runs the Python verifier on samples.
func pythonVerdicts(t *testing.T, samples []sample) []string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	var in bytes.Buffer
	for _, s := range samples {
		fmt.Fprintf(&in, "[\"%x\",\"%x\",\"%x\"]\n", s.cert, s.descriptor, s.token)
	}
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	testcheck.NoError(t, os.WriteFile(file, in.Bytes(), 0o600))
	out, err := exec.Command(python, "-c", verdictDriver, file).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	testcheck.RequireThat(t, err == nil && len(lines) == len(samples),
		"%d verdicts of %d: %v, want %d, nil\n%.2000s", len(lines), len(samples), err, len(samples), out)
	return lines
}

// knownAlterations returns the alterations that one of the verifiers once accepted.
func knownAlterations(t *testing.T) (list []sample) {
	w := world{World: questions.World{Rand: rand.New(rand.NewPCG(3, 0))}}
	plain := w.sample(t, map[string]int{})
	for plain.descriptor == nil || parse(t, plain.cert)["self"] != "" ||
		!bytes.Contains(plain.cert, []byte(`"node":0`)) {
		plain = w.sample(t, map[string]int{})
	}
	with := func(from, to string) {
		b := bytes.Replace(plain.cert, []byte(from), []byte(to), 1)
		testcheck.RequireThat(t, !bytes.Equal(b, plain.cert),
			"%s is not in %s, want it there to alter", from, plain.cert)
		list = append(list, sample{b, plain.descriptor, plain.token})
	}
	m := parse(t, plain.cert)
	m["self"] = nil
	list = append(list, sample{m.render(t, true), plain.descriptor, plain.token})
	with(`"node":0`, `"node":-0`)
	with(`"kernelMode":false`, `"kernelMode":false,"kernelMode":false`)
	// An unescaped character saves three bytes, which make room for a key.
	with(`"self":""`, `"self":"","self":"\u2028"`)
	list = append(list, forge(t, plain, `{"user":"SY","source":"","source":"`+strings.Repeat("\u2028",
		len(`"source":"",`)/3)+`"}`))
	return append(list, forge(t, plain, `{"user":"SY","colour":1}`),
		forge(t, plain, `{"user":"SY","integrityLevel":""}`),
		forge(t, plain, `{"user":"SY","sessionId":1.0}`),
		forge(t, plain, `{"user":"SY","groups":["S-1-5-9999999999"]}`),
		forge(t, plain, `{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["00 01"]}]}`))
}

// forge rewrites a certificate for another token file, with matching hashes, and decides again if possible.
func forge(t testing.TB, s sample, file string) sample {
	m := parse(t, s.cert)
	m["token"] = hash(file)
	return sample{redecide(t, m, string(s.descriptor), file), s.descriptor, []byte(file)}
}

// redecide writes the answer that the Go verifier would, unless it refuses the inputs, and seals the certificate.
func redecide(t testing.TB, m document, descriptor, file string) []byte {
	func() {
		defer func() { _ = recover() }()
		want := decide(m, descriptor, file)
		for _, k := range []string{"status", "granted", "steps", "privileges", "results"} {
			m[k] = want[k]
		}
	}()
	return m.render(t, true)
}

// TestKnownAlterationsAreRejected checks that both verifiers reject all alterations that one of them once accepted.
func TestKnownAlterationsAreRejected(t *testing.T) {
	list := knownAlterations(t)
	python := pythonVerdicts(t, list)
	for i, s := range list {
		if out, err := verify(string(s.cert), string(s.descriptor), string(s.token)); err == nil {
			t.Errorf("Go accepts alteration %d: %s, want an error\n%s\ntoken %s", i, out, s.cert, s.token)
		}
		testcheck.That(t, python[i] != "true",
			"Python takes alteration %d, want python[i] anything but \"true\"\n%s\ntoken %s", i, s.cert, s.token)
	}
}

// TestUnknownFirstEntryIsIgnored checks that both verifiers ignore a SACL's first entry of an unknown type.
func TestUnknownFirstEntryIsIgnored(t *testing.T) {
	s := knownAlterations(t)[0]
	head := []byte{1, 0, 0x14, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 32, 0, 0, 0}
	s.descriptor = append(head, 2, 0, 12, 0, 1, 0, 0, 0, 0x16, 0, 4, 0, 2, 0, 8, 0, 0, 0, 0, 0)
	m := parse(t, s.cert)
	m["self"], m["descriptor"] = "", hash(string(s.descriptor))
	s.cert = redecide(t, m, string(s.descriptor), string(s.token))
	_, err := verify(string(s.cert), string(s.descriptor), string(s.token))
	if python := pythonVerdicts(t, []sample{s})[0]; err != nil || python != "true" {
		t.Errorf("verdicts: Go %v, Python %s, want nil, true", err, python)
	}
}

// TestGoAndPythonVerdictsAreEqual checks that the verifiers agree on random alterations of a certificate, its
// descriptor and its token file. REFMON_VERDICTS=100000 is the long run.
func TestGoAndPythonVerdictsAreEqual(t *testing.T) {
	seed := uint64(1)
	if os.Getenv("REFMON_SEED") != "" {
		seed = randtest.Seed(t)
	}
	w, has := world{World: questions.World{Rand: rand.New(rand.NewPCG(seed, 0))}}, map[string]int{}
	n, taken := randtest.Count(t, "REFMON_VERDICTS", 1000), 0
	samples := make([]sample, 0, n)
	var base sample
	for i := range n {
		if i%8 == 0 {
			base = w.sample(t, has)
			if w.IntN(3) == 0 {
				base = w.conditional(t)
			}
		}
		samples = append(samples, w.alteration(t, base))
	}
	wrong := 0
	for i, python := range pythonVerdicts(t, samples) {
		s := samples[i]
		_, err := verify(string(s.cert), string(s.descriptor), string(s.token))
		if err == nil {
			taken++
		}
		if (err == nil) != (python == "true") {
			if wrong++; wrong < 6 {
				t.Errorf("%d: Go returned %v, Python %s, want wrong at least 6\n%q\nsd %x\ntoken %q", i, err, python,
					s.cert, s.descriptor, s.token)
			}
		}
	}
	t.Logf("%d alterations, %d of them true, %d with unequal verdicts", n, taken, wrong)
	testcheck.That(t, taken >= n/20 && taken <= n*19/20,
		"the verifiers accept %d of %d alterations, want 5%% to 95%%", taken, n)
}

// alteration changes one of the three files, half of the time with hashes and an answer that fit.
func (w world) alteration(t testing.TB, s sample) sample {
	switch w.IntN(6) {
	case 0:
		return sample{w.bytes(s.cert), s.descriptor, s.token}
	case 1:
		m := parse(t, s.cert)
		w.insertValue(m)
		return sample{w.seal(t, m, s.descriptor, s.token), s.descriptor, s.token}
	case 2:
		b := w.octets(s.descriptor)
		m := parse(t, s.cert)
		m["descriptor"] = hash(string(b))
		return sample{w.seal(t, m, b, s.token), b, s.token}
	case 3:
		m := parse(t, s.cert)
		file := w.file(t, s.token)
		m["primary"] = string(file)
		return sample{w.seal(t, m, s.descriptor, s.token), s.descriptor, s.token}
	}
	file := w.file(t, s.token)
	m := parse(t, s.cert)
	m["token"] = hash(string(file))
	return sample{w.seal(t, m, s.descriptor, file), s.descriptor, file}
}

func (w world) seal(t testing.TB, m document, descriptor, file []byte) []byte {
	if w.IntN(2) == 0 {
		return m.render(t, true)
	}
	return redecide(t, m, string(descriptor), string(file))
}

// file alters a token file as text or as a value.
func (w world) file(t testing.TB, file []byte) []byte {
	if w.IntN(3) == 0 {
		return w.bytes(file)
	}
	m := parse(t, file)
	w.insertValue(m)
	return m.render(t, false)
}

// bytes alters a text.
func (w world) bytes(b []byte) []byte {
	b = slices.Clone(b)
	i := w.IntN(len(b))
	piece := pick(w, `"`, `{`, `}`, `[`, `]`, `,`, `:`, `0`, `-`, `1`, `.0`, `e1`, " ", "\n", "\t", "\r", "\v",
		"\u00a0", "\u2028", `\u2028`, `\`,
		`\u0041`, "\xff", "\x00", "\ufeff", "null", "true", `"type":"Primary",`, `"self":"",`, `"node":-0,`, `\/`,
		"NaN", "\ud7ff", "é")
	switch w.IntN(4) {
	case 0:
		return append(b[:i], b[i+1:]...)
	case 1:
		return slices.Concat(b[:i], []byte(piece), b[i+1:])
	case 2:
		at := bytes.IndexByte(b[i:], ',')
		if at < 0 {
			break
		}
		i += at + 1
	}
	return slices.Concat(b[:i], []byte(piece), b[i:])
}

// octets alters a descriptor.
func (w world) octets(b []byte) []byte {
	b = slices.Clone(b)
	if len(b) == 0 {
		return []byte{1, 0, 4, 0x80}[:1+w.IntN(4)]
	}
	switch i := w.IntN(len(b)); w.IntN(5) {
	case 0:
		return b[:i]
	case 1:
		return append(b, 0, 0)
	case 2:
		b[i] ^= 1 << w.IntN(8)
	case 3:
		b[min(i, w.IntN(20))] = pick(w, byte(0), 1, 4, 0x10, 0x14, byte(len(b)), byte(len(b)-1), 255)
	default:
		b[i] = pick(w, byte(0), 1, 2, 4, 8, 0x12, 0x15, 0x16, 255)
	}
	return b
}

// insertValue puts a value of any kind somewhere into a document.
func (w world) insertValue(v any) any {
	unusual := func() any {
		return pick[any](w, nil, true, false, "", "x", "0", "-1", "010", "0x10", "0X1f", " 1", "1_0", "0b1", "+1",
			"S-1-1-0", "S-1-5-9999999999", "S-1-16-1-2",
			"S-1-5-32-544 ", "s-1-1-0", "BA", "DU", "None_", "None", "00 01", "0A", "STATUS_SUCCESS", json.Number("0"),
			json.Number("-0"), json.Number("1"),
			json.Number("1.0"), json.Number("1e0"), json.Number("4294967296"), json.Number("18446744073709551616"),
			json.Number("-1"), []any{}, []any{nil},
			[]any{"BA"}, []any{"x"}, []any{json.Number("1")}, map[string]any{}, map[string]any{"sid": "BA"},
			map[string]any{"sid": nil},
			map[string]any{"sid": "BA", "attributes": nil}, map[string]any{"x": []any{}}, "\u2028", "\u007f",
			"\"\\\b\x01", "70000 00000000000000000000000000000000")
	}
	if w.IntN(6) == 0 {
		return unusual()
	}
	switch v := v.(type) {
	case document:
		return w.insertValue(map[string]any(v))
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		names := append(slices.Clone(keys), "restricted", "restrictedSids", "userClaims", "domain", "trustLevel",
			"appContainer", "groups", "x", "User",
			"privileges", "integrityLevel", "attributes", "sid", "flags", "values", "type", "mandatoryPolicy",
			"lowPrivilege", "")
		switch k := pick(w, names...); {
		case v[k] == nil:
			v[k] = unusual()
		case w.IntN(8) == 0:
			delete(v, k)
		default:
			v[k] = w.insertValue(v[k])
		}
		return v
	case []any:
		if len(v) == 0 || w.IntN(5) == 0 {
			return append(v, unusual())
		}
		i := w.IntN(len(v))
		v[i] = w.insertValue(v[i])
		return v
	case string:
		if len(v) > 0 && w.IntN(2) == 0 {
			i := w.IntN(len(v))
			return v[:i] + pick(w, "", " ", "0", "-", "f", "F", "\n", "9999999999") + v[i+1:]
		}
	}
	return unusual()
}

// driver runs the Python verifier over samples.
const driver = `
import json, struct, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "../../tools")
import verify as v
verified = refused = 0
folded = open(sys.argv[2], "rb").read()
for u in range(0x10000):
    got, want = v.fold(struct.pack("<H", u)), struct.unpack_from(">H", folded, 2 * u)
    if got != want: print("fold", hex(u), got, want)
for line in open(sys.argv[1], encoding="utf-8"):
    s = json.loads(line)
    for cert in s["cert"], s["altered"]:
        try:
            v.verify(cert, bytes.fromhex(s["sd"]), s["token"].encode())
            verified += cert == s["cert"]
            if cert != s["cert"]: print("accepted", line)
        except v.Refused as e:
            refused += cert != s["cert"]
            if cert == s["cert"]: print(e, line)
print("%d verified, %d refused" % (verified, refused))
`

// TestPythonVerifierTestsPass gives the Python verifier the same samples: true, altered, and not verifiable.
func TestPythonVerifierTestsPass(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	w, dir, has := seeded(t), t.TempDir(), map[string]int{}
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	n := min(rounds(t)/3, 20_000)
	for i := range n {
		s := w.sample(t, has)
		if i%2 == 0 {
			s = w.conditional(t)
		}
		altered := w.mutate(t, s.cert, i%4 < 2)
		testcheck.NoError(t, enc.Encode(map[string]string{"cert": string(s.cert), "altered": string(altered),
			"sd": fmt.Sprintf("%x", s.descriptor), "token": string(s.token)}))
	}
	file := filepath.Join(dir, "samples.jsonl")
	testcheck.NoError(t, os.WriteFile(file, in.Bytes(), 0o600))
	var folded []byte
	for u := range 0x10000 {
		folded = append(folded, fold(string([]byte{byte(u), byte(u >> 8)}), false)...)
	}
	table := filepath.Join(dir, "folded")
	testcheck.NoError(t, os.WriteFile(table, folded, 0o600))
	out, err := exec.Command(python, "-c", driver, file, table).CombinedOutput()
	testcheck.That(t, err == nil && string(out) == fmt.Sprintf("%d verified, %d refused\n", n, n),
		"Python verifier: %v, want all samples verified or refused\n%s", err, out)
}
