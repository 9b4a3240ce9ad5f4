package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/randtest"
	"github.com/refmon/refmon/sd"
	wellknown "github.com/refmon/refmon/sid"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// world makes random questions about what the verifier covers, from a small
// universe in which SIDs and bits meet often.
type world struct{ *rand.Rand }

func pick[T any](w world, from []T) T { return from[w.IntN(len(from))] }

var (
	sids = func() (out []string) {
		return append(out, "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-2001", "S-1-1-0", "S-1-5-32-544", "S-1-5-12", "S-1-3-4", "S-1-5-10", "S-1-15-2-1-2-3", "S-1-15-3-1", "S-1-15-2-1", "S-1-15-2-2")
	}()
	texts   = []string{`"S-1-5-21-1-2-3-1001"`, `"S-1-5-21-1-2-3-2001"`, `"WD"`, `"BA"`, `"RC"`, `"OW"`, `"PS"`, `"DU"`}
	masks   = []winnt.AccessMask{1, 2, 3, 0x20, 0x120089, 0x1F01FF, 0x20000, 0x60000, 0x80000, 0xF0000, winnt.GENERIC_READ, winnt.GENERIC_ALL, 0x01000001, 0xFFFFFFFF, 0}
	desired = []winnt.AccessMask{0, 1, 2, 3, 0x21, 0x20000, 0x60000, 0x80000, 0x80001, 0x10000, 0x120089, 0x1F01FF, 0x01000000, 0x01000001,
		winnt.GENERIC_READ, winnt.GENERIC_EXECUTE, winnt.MAXIMUM_ALLOWED, winnt.MAXIMUM_ALLOWED | 1, winnt.MAXIMUM_ALLOWED | 0x80000, 0x03000000}
	types = []*winnt.ObjectType{winnt.FileObject, winnt.FileObject, winnt.KeyObject, winnt.ProcessObject}
)

func (w world) acl(t testing.TB, kinds []sd.Type, most int, who func() string) *sd.ACL {
	var list []sd.ACE
	for range w.IntN(most) {
		var flags uint8
		if w.IntN(8) == 0 {
			flags = uint8(w.IntN(32))
		}
		k := pick(w, kinds)
		var x sd.ACEExtra
		if k.IsObject() && w.IntN(2) == 0 {
			x.ObjectType = &winnt.GUID{1}
		}
		m := pick(w, masks)
		if k == sd.SystemMandatoryLabel {
			m = winnt.AccessMask(w.IntN(8))
		}
		a, err := sd.NewACE(k, flags, m, wellknown.MustParse(who()), x)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	l, err := sd.NewACL(list...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w world) descriptor(t testing.TB) *sd.Descriptor {
	p := sd.Parts{Group: wellknown.LocalSystem}
	if w.IntN(12) > 0 {
		p.Owner = wellknown.MustParse(pick(w, sids))
	}
	if w.IntN(12) > 0 {
		p.DACL = w.acl(t, []sd.Type{0, 0, 0, 0, 1, 1, 1, 5, 6, 2}, 7, func() string { return pick(w, sids) })
	}
	if w.IntN(3) == 0 {
		p.SACL = w.acl(t, []sd.Type{0x11, 0x11, 0x14, 2, 0x13}, 4, func() string {
			return pick(w, []string{"S-1-16-0", "S-1-16-8192", "S-1-16-12288", "S-1-19-512-1024", "S-1-19-1024-8192", "S-1-1-0"})
		})
	}
	return sd.New(p)
}

// token is a token file as people write them: aliases, bare and full groups.
func (w world) token() []byte {
	group := func() string {
		s := pick(w, texts)
		switch w.IntN(4) {
		case 0:
			return fmt.Sprintf(`{"sid":%s,"attributes":[%s]}`, s, pick(w, []string{"", `"Enabled"`, `"UseForDenyOnly"`, `"Mandatory"`, `"EnabledByDefault"`}))
		case 1:
			return fmt.Sprintf(`{"sid":%s}`, s)
		}
		return s
	}
	list := func(n int) string {
		var out []string
		for range n {
			out = append(out, group())
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	user := pick(w, []string{`"S-1-5-21-1-2-3-1001"`, `"S-1-5-21-1-2-3-2001"`, `{"sid":"S-1-5-21-1-2-3-1001","attributes":["UseForDenyOnly"]}`})
	f := []string{`"user":` + user, `"groups":` + list(w.IntN(6))}
	if w.IntN(3) == 0 {
		names := []string{`"SeSecurityPrivilege"`, `{"name":"SeTakeOwnershipPrivilege","attributes":[]}`, `"SeTakeOwnershipPrivilege"`, `"SeRelabelPrivilege"`, `{"name":"SeBackupPrivilege"}`}
		f = append(f, `"privileges":[`+pick(w, names)+`,"SeChangeNotifyPrivilege"]`)
	}
	if w.IntN(2) == 0 {
		f = append(f, `"integrityLevel":`+pick(w, []string{`"Low"`, `"Untrusted"`, `"High"`, `"None"`, `"S-1-16-8448"`}))
	}
	if w.IntN(4) == 0 {
		f = append(f, `"mandatoryPolicy":`+pick(w, []string{`[]`, `["NoWriteUp"]`, `["NewProcessMin"]`, `null`}))
	}
	if w.IntN(4) == 0 {
		f = append(f, `"restricted":true`, `"restrictedSids":`+list(w.IntN(4)), fmt.Sprintf(`"writeRestricted":%v`, w.IntN(3) == 0))
	}
	if w.IntN(4) == 0 {
		f = append(f, fmt.Sprintf(`"appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":[%s],"lowPrivilege":%v}`,
			pick(w, []string{"", `"S-1-15-3-1"`, `{"sid":"S-1-15-3-1","attributes":["UseForDenyOnly"]}`, `{"sid":"S-1-15-3-1","attributes":["Mandatory"]}`}), w.IntN(3) == 0))
	}
	if w.IntN(4) == 0 {
		f = append(f, `"trustLevel":"`+pick(w, []string{"S-1-19-512-1024", "S-1-19-1024-8192"})+`"`)
	}
	return []byte("{" + strings.Join(f, ", ") + "}")
}

// sample is a certificate with its inputs.
type sample struct{ cert, descriptor, token []byte }

func (w world) sample(t testing.TB) sample {
	for {
		file := w.token()
		tok, err := tokens.Parse(file)
		if err != nil {
			continue // a combination the reader refuses
		}
		r := &access.Request{Descriptor: w.descriptor(t), Subject: access.Subject{Primary: tok}, Desired: pick(w, desired), Type: pick(w, types)}
		if w.IntN(3) == 0 {
			r.Self = wellknown.MustParse(pick(w, sids))
		}
		return certify(t, r, file)
	}
}

func certify(t testing.TB, r *access.Request, file []byte) sample {
	_, x, err := access.Explain(r)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x.Certificate(r, file)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if file == nil {
		if file, err = r.Subject.Effective().MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	return sample{c, r.Descriptor.Binary(), file}
}

func seeded(t testing.TB) world {
	return world{rand.New(rand.NewPCG(randtest.Seed(t), 0))}
}

// rounds is REFMON_CERTIFICATES, or 10^4.
func rounds(t testing.TB) int { return randtest.Count(t, "REFMON_CERTIFICATES", 10_000) }

// TestEveryTrueCertificateVerifies and with it the whole of the second
// implementation: random decisions, each verified from its inputs alone.
func TestEveryTrueCertificateVerifies(t *testing.T) {
	w, granted := seeded(t), 0
	for i := range rounds(t) {
		s := w.sample(t)
		outcome, err := verify(s.cert, s.descriptor, s.token)
		if err != nil {
			t.Fatalf("certificate %d: %v\n%s\nsd %x\ntoken %s", i, err, s.cert, s.descriptor, s.token)
		}
		if strings.Contains(outcome, success) {
			granted++
		}
	}
	t.Logf("%d verified, %d of them grants", rounds(t), granted)
}

// mutate changes one field of a certificate; with reseal the digest is made
// anew, as a forger would.
func (w world) mutate(t testing.TB, cert []byte, reseal bool) []byte {
	var m map[string]any
	if err := json.Unmarshal(cert, &m); err != nil {
		t.Fatal(err)
	}
	keys := []string{"descriptor", "token", "status", "granted", "privileges", "steps"}
	if !reseal {
		keys = append(keys, "certificate", "desired", "mapping", "self", "beyond", "digest")
	}
	k := pick(w, keys)
	switch v := m[k].(type) {
	case string:
		m[k] = w.altered(k, v)
	case []any:
		m[k] = w.alteredList(k, v)
	}
	return render(t, m, reseal)
}

// altered is another text: of a hash or mask one digit, else another word.
func (w world) altered(key, v string) string {
	switch {
	case key == "status":
		return pick(w, remove([]string{success, denied, "STATUS_PRIVILEGE_NOT_HELD"}, v))
	case key == "self":
		return pick(w, remove(sids, v))
	case key == "certificate":
		return v + "0"
	}
	b := []byte(v)
	i := len(b) - 1 - w.IntN(len(b)-2)
	b[i] = remove([]string{"0", "1", "3", "8", "f"}, string(b[i]))[w.IntN(4)][0]
	return string(b)
}

func remove(list []string, v string) (out []string) {
	for _, x := range list {
		if x != v {
			out = append(out, x)
		}
	}
	return out
}

func (w world) alteredList(key string, v []any) []any {
	if key == "mapping" {
		i := w.IntN(4)
		v[i] = w.altered("mapping", v[i].(string))
		return v
	}
	if key != "steps" {
		if len(v) > 0 && w.IntN(2) == 0 {
			return v[:len(v)-1]
		}
		return append(v, "SeDebugPrivilege")
	}
	if len(v) == 0 || w.IntN(6) == 0 {
		return append(v, map[string]any{"rule": "A-70", "list": "DACL", "ace": 0, "pass": "", "bits": "0x00000001", "granted": true})
	}
	i := w.IntN(len(v))
	if w.IntN(6) == 0 {
		return append(v[:i:i], v[i+1:]...)
	}
	s := v[i].(map[string]any)
	switch k := pick(w, []string{"rule", "list", "ace", "pass", "bits", "granted"}); k {
	case "rule":
		s[k] = pick(w, remove([]string{"A-70", "A-41", "A-40", "A-56", "A-50", "A-62"}, s[k].(string)))
	case "list":
		s[k] = pick(w, remove([]string{"", "DACL", "SACL"}, s[k].(string)))
	case "ace":
		s[k] = s[k].(float64) + 1
	case "pass":
		s[k] = pick(w, remove([]string{"", "restricted", "package"}, s[k].(string)))
	case "bits":
		s[k] = w.altered(k, s[k].(string))
	case "granted":
		s[k] = !s[k].(bool)
	}
	return v
}

// render writes a certificate in the order of its form.
func render(t testing.TB, m map[string]any, reseal bool) []byte {
	object := func(m map[string]any, keys ...string) string {
		var out []string
		for _, k := range keys {
			b, err := json.Marshal(m[k])
			if err != nil {
				t.Fatal(err)
			}
			if k == "steps" {
				b = []byte(m["rendered"].(string))
			}
			out = append(out, fmt.Sprintf("%q:%s", k, b))
		}
		return strings.Join(out, ",")
	}
	var steps []string
	for _, s := range m["steps"].([]any) {
		steps = append(steps, "{"+object(s.(map[string]any), "rule", "list", "ace", "pass", "bits", "granted")+"}")
	}
	m["rendered"] = "[" + strings.Join(steps, ",") + "]"
	body := "{" + object(m, "certificate", "descriptor", "token", "desired", "mapping", "self", "beyond", "status", "granted", "privileges", "steps")
	digest := fmt.Sprint(m["digest"])
	if reseal {
		digest = hash([]byte(body + "}"))
	}
	return []byte(fmt.Sprintf(`%s,"digest":%q}`, body, digest))
}

// TestEveryAlteredCertificateIsRefused: one field of a true certificate is
// changed, half of the time with a digest that fits; and the inputs are
// exchanged.
func TestEveryAlteredCertificateIsRefused(t *testing.T) {
	w := seeded(t)
	for i := range rounds(t) {
		s := w.sample(t)
		var whole map[string]any
		if err := json.Unmarshal(s.cert, &whole); err != nil {
			t.Fatal(err)
		}
		if again := render(t, whole, true); !bytes.Equal(again, s.cert) {
			t.Fatalf("the test writes certificates in another form:\n%s\n%s", again, s.cert)
		}
		altered := w.mutate(t, s.cert, i%2 == 0)
		if _, err := verify(altered, s.descriptor, s.token); err == nil {
			t.Fatalf("mutation %d was accepted:\n%s\n%s", i, s.cert, altered)
		}
		other := w.sample(t)
		if !bytes.Equal(other.descriptor, s.descriptor) {
			if _, err := verify(s.cert, other.descriptor, s.token); err == nil {
				t.Fatalf("another descriptor was accepted: %s", s.cert)
			}
		}
		if !bytes.Equal(other.token, s.token) {
			if _, err := verify(s.cert, s.descriptor, other.token); err == nil {
				t.Fatalf("another token was accepted: %s", s.cert)
			}
		}
	}
}

// TestScope: what the verifier does not cover is not verifiable, never true.
func TestScope(t *testing.T) {
	tok, err := tokens.New(tokens.Spec{User: tokens.Group{SID: wellknown.MustParse(sids[0])}, Integrity: wellknown.MediumLevel})
	if err != nil {
		t.Fatal(err)
	}
	plain := func() *access.Request {
		return &access.Request{Subject: access.Subject{Primary: tok}, Type: winnt.FileObject, Desired: 1, Descriptor: describe(t, sd.AccessAllowed)}
	}
	for name, change := range map[string]func(*access.Request){
		"object types": func(r *access.Request) { r.ObjectTypes = []access.ObjectTypeEntry{{}} },
		"intent":       func(r *access.Request) { r.Intent.Backup = true },
		"previous":     func(r *access.Request) { r.Previous = 2 },
		"kernel mode":  func(r *access.Request) { r.Mode = access.Kernel },
		"level":        func(r *access.Request) { r.Subject.Client, r.Subject.Level = tok, winnt.SecurityIdentification },
		"policies":     func(r *access.Request) { r.Policies = &access.PolicySet{Policies: []access.Policy{{}}} },
		"options":      func(r *access.Request) { r.Options.ClaimsDisabled = true },
		"condition":    func(r *access.Request) { r.Descriptor = describe(t, sd.AccessAllowedCallback) },
		"compound":     func(r *access.Request) { r.Descriptor = describe(t, sd.AccessAllowedCompound) },
		"filter": func(r *access.Request) {
			r.Descriptor = sd.New(sd.Parts{DACL: r.Descriptor.DACL(), SACL: describe(t, sd.SystemAccessFilter).DACL()})
		},
	} {
		r := plain()
		s := certify(t, r, nil)
		if _, err := verify(s.cert, s.descriptor, s.token); err != nil {
			t.Fatalf("the plain one: %v", err)
		}
		change(r)
		s = certify(t, r, nil)
		var unable notVerifiable
		if _, err := verify(s.cert, s.descriptor, s.token); !errors.As(err, &unable) {
			t.Errorf("%s: %v, want not verifiable", name, err)
		}
	}
}

func describe(t testing.TB, k sd.Type) *sd.Descriptor {
	a, err := sd.NewACE(k, 0, 1, wellknown.MustParse(sids[0]), sd.ACEExtra{ClientSID: wellknown.Everyone})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	return sd.New(sd.Parts{DACL: l})
}

// driver runs the Python verifier over samples.
const driver = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "../../tools")
import verify as v
verified = refused = 0
for line in open(sys.argv[1], encoding="utf-8"):
    s = json.loads(line)
    for cert in s["cert"], s["altered"]:
        try:
            v.verify(cert, bytes.fromhex(s["sd"]), s["token"].encode())
            verified += cert == s["cert"]
            if cert != s["cert"]: print("accepted", line)
        except (v.Refused, v.NotVerifiable) as e:
            refused += cert != s["cert"]
            if cert == s["cert"]: print(e, line)
print("%d verified, %d refused" % (verified, refused))
`

// TestPython holds the Python verifier to the same samples: true, altered, not
// verifiable.
func TestPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	w, dir := seeded(t), t.TempDir()
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	n := min(rounds(t), 2000)
	for i := range n {
		s := w.sample(t)
		altered := w.mutate(t, s.cert, i%2 == 0)
		if err := enc.Encode(map[string]string{"cert": string(s.cert), "altered": string(altered), "sd": fmt.Sprintf("%x", s.descriptor), "token": string(s.token)}); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "samples.jsonl")
	if err := os.WriteFile(file, in.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", driver, file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), fmt.Sprintf("%d verified, %d refused", n, n)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// FuzzVerify: no input makes the verifier panic, and the one certificate that
// it knows is the only one it takes for these inputs.
func FuzzVerify(f *testing.F) {
	w := world{rand.New(rand.NewPCG(1, 0))}
	for range 20 {
		s := w.sample(f)
		f.Add(s.cert, s.descriptor, s.token)
	}
	f.Fuzz(func(t *testing.T, cert, descriptor, token []byte) {
		_, _ = verify(cert, descriptor, token)
	})
}

// TestSmallAndAlone: what an auditor has to read is at most 500 lines of Go
// without comments and blank lines, or 300 of Python, on the standard library
// alone.
func TestSmallAndAlone(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "refmon/refmon/") || strings.Contains(string(b), `"golang.org/`) {
			t.Errorf("%s imports more than the standard library", name)
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				lines++
			}
		}
	}
	if lines > 500 {
		t.Errorf("%d lines of Go, at most 500 are allowed", lines)
	}
	b, err := os.ReadFile("../../tools/verify.py")
	if n := bytes.Count(b, []byte("\n")); err != nil || n > 300 {
		t.Errorf("verify.py: %d lines, at most 300 are allowed; %v", n, err)
	}
}

func TestRun(t *testing.T) {
	s := world{rand.New(rand.NewPCG(1, 0))}.sample(t)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	c, d, k := write("c", s.cert), write("d", s.descriptor), write("t", s.token)
	h := write("h", fmt.Appendf(nil, "%x\n", s.descriptor))
	for want, args := range map[int][][]string{
		0: {{c, d, k}, {c, h, k}},
		1: {{write("a", bytes.Replace(s.cert, []byte(`"status":"STATUS_`), []byte(`"status":"STATUS_X`), 1)), d, k}},
		2: {{}, {c}, {k, d, k}, {c, d, "nosuch"}, {write("b", bytes.Replace(s.cert, []byte(`"beyond":[]`), []byte(`"beyond":["x"]`), 1)), d, k}},
	} {
		for _, a := range args {
			if got := run(a); got != want {
				t.Errorf("%q: exit code %d, want %d", a, got, want)
			}
		}
	}
}
