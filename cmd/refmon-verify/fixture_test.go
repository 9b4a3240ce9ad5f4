package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// world generates random requests with package questions, and token files as people write them.
type world struct{ questions.World }

func pick[T any](w world, from ...T) T { return from[w.IntN(len(from))] }

// token is a token file as people write them: aliases, bare and full groups.
func (w world) token() []byte {
	group := func() string {
		s := pick(w, `"S-1-5-21-1-2-3-1001"`, `"S-1-5-21-1-2-3-2001"`, `"WD"`, `"BA"`, `"RC"`, `"OW"`, `"PS"`, `"DU"`)
		switch w.IntN(4) {
		case 0:
			return fmt.Sprintf(`{"sid":%s,"attributes":[%s]}`, s,
				pick(w, "", `"Enabled"`, `"UseForDenyOnly"`, `"Mandatory"`, `"EnabledByDefault"`))
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
	user := pick(w, `"S-1-5-21-1-2-3-1001"`, `"S-1-5-21-1-2-3-2001"`,
		`{"sid":"S-1-5-21-1-2-3-1001","attributes":["UseForDenyOnly"]}`)
	f := []string{`"user":` + user, `"groups":` + list(w.IntN(6))}
	if w.IntN(3) == 0 {
		names := []string{`"SeSecurityPrivilege"`, `{"name":"SeTakeOwnershipPrivilege","attributes":[]}`,
			`"SeTakeOwnershipPrivilege"`, `"SeRelabelPrivilege"`, `{"name":"SeBackupPrivilege"}`}
		f = append(f, `"privileges":[`+pick(w, names...)+`,"SeChangeNotifyPrivilege"]`)
	}
	if w.IntN(2) == 0 {
		f = append(f, `"integrityLevel":`+pick(w, `"Low"`, `"Untrusted"`, `"High"`, `"None"`, `"S-1-16-8448"`))
	}
	if w.IntN(4) == 0 {
		f = append(f, `"mandatoryPolicy":`+pick(w, `[]`, `["NoWriteUp"]`, `["NewProcessMin"]`, `null`))
	}
	if w.IntN(4) == 0 {
		f = append(f, `"restricted":true`, `"restrictedSids":`+list(w.IntN(4)),
			fmt.Sprintf(`"writeRestricted":%v`, w.IntN(3) == 0))
	}
	if w.IntN(4) == 0 {
		f = append(f,
			fmt.Sprintf(`"appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":[%s],"lowPrivilege":%v}`,
				pick(w, "", `"S-1-15-3-1"`, `{"sid":"S-1-15-3-1","attributes":["UseForDenyOnly"]}`,
					`{"sid":"S-1-15-3-1","attributes":["Mandatory"]}`), w.IntN(3) == 0))
	}
	if w.IntN(4) == 0 {
		f = append(f, `"trustLevel":"`+pick(w, "S-1-19-512-1024", "S-1-19-1024-8192")+`"`)
	}
	if w.IntN(3) == 0 {
		claim := func() string {
			return pick(w, `{"name":"x","type":"int64","values":[1,-2]}`,
				`{"type":"uint64","name":"X","values":["0xffffffffffffffff",1]}`,
				`{"name":"y","values":["A","b\u2028"],"type":"string"}`,
				`{"name":"y","type":"sid","values":["WD","DU"],"flags":"0x10"}`,
				`{"name":"x","type":"boolean","values":[true,0]}`,
				`{"name":"x","type":"int64","values":["1","-9223372036854775808"],"flags":"0x4"}`,
				`{"name":"é","type":"octets","values":["00","0001"],"flags":2}`)
		}
		f = append(f, `"userClaims":[`+claim()+`,`+claim()+`]`, `"localAttributes":[`+claim()+`]`,
			`"deviceClaims":[`+claim()+`]`, `"deviceGroups":`+list(w.IntN(3)))
		if w.IntN(2) == 0 {
			f = append(f, `"restrictedUserClaims":[`+pick(w, "", claim())+`]`,
				`"restrictedDeviceGroups":`+list(w.IntN(2)))
		}
	}
	return []byte("{" + strings.Join(f, ", ") + "}")
}

// sample is a certificate with its inputs.
type sample struct{ cert, descriptor, token []byte }

// sample returns a random request with the certificate of its answer. has counts the features of requests.
func (w world) sample(t testing.TB, has map[string]int) sample {
	one := func(in int) bool { return w.IntN(in) == 0 }
	var file []byte
	client, err := tokens.New(w.Spec())
	testcheck.NoError(t, err)
	if one(2) {
		file = w.token()
		if client, err = tokens.Parse(file); err != nil {
			return w.sample(t, has) // a combination the reader refuses
		}
	}
	primary, err := tokens.New(w.Spec())
	testcheck.NoError(t, err)
	r := w.Request(w.Descriptor(), client, primary)
	if one(3) {
		r.Subject = access.Subject{Primary: client}
	} else if one(2) {
		r.Subject.Primary = client
	}
	rare := func(in int, f func()) {
		if one(in) {
			f()
		}
	}
	rare(40, func() { r.Mode = access.Kernel })
	rare(40, func() { r.Descriptor = nil })
	rare(20, func() { r.Subject.Level = winnt.SecurityImpersonationLevel(w.IntN(4)) })
	rare(30, func() { r.Desired = 0 })
	rare(20, func() { r.Previous = winnt.AccessMask(w.Uint32()) })
	rare(40, func() { r.ObjectTypes = append(r.ObjectTypes, access.ObjectTypeEntry{Level: uint16(w.IntN(3))}) })
	rare(40, func() {
		r.Mapping = &winnt.GenericMapping{Read: 1, Write: 2 | winnt.GENERIC_ALL, Execute: 4,
			All: winnt.AccessMask(w.Uint32())}
	})
	explain := access.Explain
	each := len(r.ObjectTypes) > 0 && one(2) || one(50)
	if each {
		explain = func(r *access.Request) (access.Decision, *access.Explanation, error) {
			_, d, x, err := access.ExplainResultList(r)
			return d, x, err
		}
	}
	d, x, err := explain(r)
	testcheck.NoError(t, err)
	cert, err := x.Certificate(r, file)
	testcheck.RequireThat(t, err == nil, "%s: %v", file, err)
	if file == nil {
		if file, err = client.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	s := sample{cert, nil, file}
	if r.Descriptor != nil {
		s.descriptor = r.Descriptor.Binary()
	}
	count(has, r, d, x, each)
	return s
}

// features are the subjects that random decisions must be about, each at least once in two thousand.
var features = strings.Fields(`
	granted denied condition condition-decides compound compound-decides filter filter-decides resource
	label-decides trust-decides tree typed-entry tree-denies result-list invalid-list intent intent-decides
	security-privilege take-ownership owner previous kernel no-descriptor low-level nothing-asked policy
	policy-decides restricted restricted-decides write-restricted package package-decides low-privilege claims
	device-groups null-dacl empty-dacl maximum self owner-read-only claims-disabled deny-only`)

// count counts the features that a decision used.
func count(has map[string]int, r *access.Request, d access.Decision, x *access.Explanation, each bool) {
	note := func(name string, is bool) {
		if is {
			has[name]++
		}
	}
	decides := map[string]bool{}
	t := r.Subject.Effective()
	for _, s := range x.Steps {
		if s.Bits == 0 {
			continue
		}
		decides[s.Rule] = true
		decides["package"] = decides["package"] || s.Pass == "package" && s.ACE >= 0
		if r.Descriptor != nil && s.List == "DACL" && s.ACE >= 0 {
			switch a := r.Descriptor.DACL().At(s.ACE); {
			case a.Type().IsCallback():
				decides["condition"] = true
			case a.Type() == sd.AccessAllowedCompound:
				decides["compound"] = true
			}
		}
	}
	note("granted", d.Allowed())
	note("denied", !d.Allowed())
	for _, f := range []struct{ name, rule string }{{"filter-decides", "A-65"}, {"label-decides", "A-62"},
		{"trust-decides", "A-64"}, {"tree-denies", "A-83"}, {"invalid-list", "A-25"},
		{"intent-decides", "A-54"}, {"security-privilege", "A-50"}, {"take-ownership", "A-51"}, {"owner", "A-56"},
		{"policy-decides", "A-101"}, {"restricted-decides", "A-90"},
		{"condition-decides", "condition"}, {"compound-decides", "compound"}, {"package-decides", "package"},
		{"null-dacl", "A-42"}, {"empty-dacl", "A-43"}} {
		note(f.name, decides[f.rule])
	}
	types := map[sd.Type]bool{}
	if r.Descriptor != nil {
		for _, l := range []*sd.ACL{r.Descriptor.DACL(), r.Descriptor.SACL()} {
			for _, a := range l.All() {
				types[a.Type()] = true
			}
		}
	}
	note("condition", types[9] || types[0xA] || types[0xB] || types[0xC])
	note("typed-entry", types[5] || types[6])
	note("compound", types[4])
	note("filter", types[0x15])
	note("resource", types[0x12])
	note("policy", types[0x13] && r.Policies != nil)
	note("tree", len(r.ObjectTypes) > 0)
	note("result-list", each)
	note("intent", r.Intent != access.Intent{})
	note("previous", r.Previous != 0)
	note("kernel", r.Mode == access.Kernel)
	note("no-descriptor", r.Descriptor == nil)
	note("low-level", r.Subject.Client != nil && r.Subject.Level < winnt.SecurityImpersonation)
	note("nothing-asked", r.Desired == 0)
	note("restricted", t.IsRestricted())
	note("write-restricted", t.WriteRestricted())
	note("package", t.IsAppContainer())
	note("low-privilege", t.LowPrivilege())
	note("claims", t.UserClaims().Len() > 0)
	note("device-groups", t.DeviceSet().Len() > 0)
	note("maximum", r.Desired&winnt.MAXIMUM_ALLOWED != 0)
	note("self", !r.Self.IsZero())
	note("owner-read-only", r.Options.ADOwnerReadOnly)
	note("claims-disabled", r.Options.ClaimsDisabled)
	for _, g := range t.Groups() {
		if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
			note("deny-only", true)
			break
		}
	}
}

func seeded(t testing.TB) world {
	return world{World: questions.World{Rand: rand.New(rand.NewPCG(randtest.Seed(t), 0))}}
}

// rounds is REFMON_CERTIFICATES, or else randtest.Size(2000).
func rounds(t testing.TB) int { return randtest.Count(t, "REFMON_CERTIFICATES", 2000) }

// conditional is about an entry that allows or denies by a condition.
func (w world) conditional(t testing.TB) sample {
	client, err := tokens.New(w.Spec())
	testcheck.NoError(t, err)
	entry := func(k sd.Type, program []byte) sd.ACE {
		a := testcheck.Must(sd.NewACE(k, 0, 1, client.User().SID, sd.ACEExtra{AppData: program}))
		return a
	}
	l, err := sd.NewACL(entry(pick(w, sd.AccessAllowedCallback, sd.AccessDeniedCallback), w.Program()),
		entry(sd.AccessAllowed, nil))
	testcheck.NoError(t, err)
	if l.At(0).Type() == sd.AccessAllowedCallback {
		if l, err = sd.NewACL(l.At(0)); err != nil {
			t.Fatal(err)
		}
	}
	d := w.Descriptor()
	r := &access.Request{Descriptor: sd.New(sd.Parts{Owner: d.Owner(), DACL: l, SACL: d.SACL()}),
		Subject: access.Subject{Primary: client}, Desired: 1, Type: winnt.FileObject}
	_, x, err := access.Explain(r)
	testcheck.NoError(t, err)
	cert, err := x.Certificate(r, nil)
	testcheck.NoError(t, err)
	file, err := client.MarshalJSON()
	testcheck.NoError(t, err)
	return sample{cert, r.Descriptor.Binary(), file}
}

// document is a certificate taken apart.
type document map[string]any

func parse(t testing.TB, cert []byte) (m document) {
	dec := json.NewDecoder(bytes.NewReader(cert))
	dec.UseNumber()
	testcheck.NoError(t, dec.Decode(&m))
	return m
}

// render writes a certificate. With reseal it recomputes the digest, as a forger would.
func (m document) render(t testing.TB, reseal bool) []byte {
	write := func() []byte {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		testcheck.NoError(t, enc.Encode(m))
		return bytes.TrimSpace(b.Bytes())
	}
	if reseal {
		delete(m, "digest")
		m["digest"] = fmt.Sprintf("%x", sha256.Sum256(write()))
	}
	return write()
}

// mutate changes one field of a certificate. It changes fields of the question only under the old digest, because
// with a new digest they state another question, which may be true.
func (w world) mutate(t testing.TB, cert []byte, reseal bool) []byte {
	m := parse(t, cert)
	keys := []string{"descriptor", "token", "status", "granted", "privileges", "steps", "steps", "steps", "results",
		"certificate", ""}
	if !reseal {
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
	}
	switch k := pick(w, keys...); {
	case k == "":
		m[pick(w, "x", "Status", "beyond")] = pick[any](w, nil, "", false)
	case w.IntN(20) == 0:
		delete(m, k)
	default:
		m[k] = w.altered(k, m[k])
	}
	return m.render(t, reseal)
}

// altered returns a different value of the same kind.
func (w world) altered(key string, v any) any {
	switch v := v.(type) {
	case bool:
		return !v
	case json.Number:
		return json.Number(strings.TrimPrefix(string(v+"1"), "0"))
	case nil:
		return []any{}
	case []any:
		return w.alteredList(key, v)
	case map[string]any:
		return w.alteredMap(v)
	}
	text := v.(string)
	words := map[string][]string{"status": {"STATUS_SUCCESS", "STATUS_ACCESS_DENIED", "STATUS_PRIVILEGE_NOT_HELD"},
		"level": {"", "Identification", "Impersonation", "None"},
		"rule":  {"A-70", "A-41", "A-40", "A-56", "A-82", "A-101"}, "list": {"", "DACL", "SACL"},
		"pass": {"", "restricted", "package"}, "self": {"", "S-1-1-0", "WD"}}[key]
	if words = slices.DeleteFunc(words, func(s string) bool { return s == text }); words != nil {
		return pick(w, words...)
	}
	if text == "" {
		return "0"
	}
	b := []byte(text)
	i := len(b) - 1 - w.IntN(min(8, len(b)))
	b[i] = pick(w, slices.DeleteFunc([]byte("0138f"), func(c byte) bool { return c == b[i] })...)
	return string(b)
}

func (w world) alteredMap(v map[string]any) any {
	keys := slices.Sorted(maps.Keys(v))
	if len(keys) == 0 || w.IntN(8) == 0 {
		v[pick(w, "", "x", "S-1-17-3")+"0"] = []any{}
		return v
	}
	k := pick(w, keys...)
	if w.IntN(8) == 0 {
		delete(v, k)
	} else {
		v[k] = w.altered(k, v[k])
	}
	return v
}

func (w world) alteredList(key string, v []any) any {
	switch {
	case len(v) == 0 || w.IntN(8) == 0:
		return append(v, pick[any](w, "SeDebugPrivilege", "0 00",
			map[string]any{"rule": "A-70", "list": "DACL", "ace": 0, "pass": "", "node": 0, "bits": "0x00000001",
				"granted": true}))
	case w.IntN(8) == 0:
		i := w.IntN(len(v))
		return slices.Delete(v, i, i+1)
	case len(v) > 1 && w.IntN(8) == 0 && fmt.Sprint(v[0]) != fmt.Sprint(v[1]):
		v[0], v[1] = v[1], v[0]
		return v
	}
	i := w.IntN(len(v))
	v[i] = w.altered("", v[i])
	return v
}
