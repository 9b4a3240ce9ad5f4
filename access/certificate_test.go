package access_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A certificate lists each configured policy with its rules in order, including a policy without rules. Of two
// policies with one id it lists the first. The recovery policy has the id "".
func TestCertificateListsPolicies(t *testing.T) {
	when, _, err := claims.ParseExpr("(@Resource.x == 1)", claims.ParseOptions{})
	check.NoError(t, err)
	one, two := mustDescriptor("D:(A;;FR;;;WD)"), mustDescriptor("D:(A;;FW;;;WD)")
	set := &access.PolicySet{Recovery: two, Policies: []access.Policy{
		{ID: sid.MustParse("S-1-17-1"), Rules: []access.Rule{{Name: "a", Descriptor: one}, {Name: "b\xff", AppliesTo: when}}},
		{ID: sid.MustParse("S-1-17-2")},
		{ID: sid.MustParse("S-1-17-1"), Rules: []access.Rule{{Name: "c", Descriptor: two}}},
		{ID: sid.MustParse("S-1-17-2"), Rules: []access.Rule{{Name: "d", Descriptor: two}}},
	}}
	hexOf := func(b []byte) string { return fmt.Sprintf("%x", b) }
	stated := map[string][][3]string{"": {{"recovery policy", "", hexOf(two.Binary())}},
		"S-1-17-1": {{"a", "", hexOf(one.Binary())}, {"b\uFFFD", hexOf(when.Encode()), ""}}, "S-1-17-2": {}}
	for name, c := range map[string]struct {
		policies *access.PolicySet
		want     map[string][][3]string
	}{
		"none":            {nil, map[string][][3]string{}},
		"an empty set":    {&access.PolicySet{Recovery: one}, map[string][][3]string{}},
		"two with one id": {set, stated},
	} {
		r := newRequest(t, "…(A;;FR;;;WD)", maxMask|1, primary)
		r.Policies = c.policies
		_, x, err := access.Explain(r)
		check.NoError(t, err)
		text := check.Must(x.Certificate(r, nil))
		var got struct {
			Policies map[string][][3]string `json:"policies"`
		}
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got.Policies, c.want) {
			t.Errorf("policies in the certificate, %s: %v, %v; want %v", name, got.Policies, err, c.want)
		}
	}
	if set.Find(sid.MustParse("S-1-17-1")) != &set.Policies[0] ||
		set.Find(sid.MustParse("S-1-17-2")) != &set.Policies[1] ||
		set.Find(sid.MustParse("S-1-17-3")) != nil || set.Find(sid.MustParse("S-1-17-3-1")) != nil ||
		set.Find(sid.MustParse("S-1-16-1")) != nil || (*access.PolicySet)(nil).Find(sid.Everyone) != nil {
		t.Error("PolicySet.Find does not return the first policy with the id, or nil for an unknown id")
	}
}

// A certificate has the impersonation level of a client, and the process's token if that is another token.
func TestCertificateHasLevelAndProcess(t *testing.T) {
	own := newRequest(t, "…", 1, primary).Subject.Primary
	client := newRequest(t, "…", 1).Subject.Client
	other := newRequest(t, "…", 1, primary, groups(sid.Everyone)).Subject.Primary
	for name, c := range map[string]struct {
		subject access.Subject
		level   string
		process bool
	}{
		"a process":      {access.Subject{Primary: own}, "", false},
		"a client alone": {access.Subject{Client: client, Level: winnt.SecurityImpersonation}, "Impersonation", false},
		"a client of its process": {access.Subject{Primary: client, Client: client, Level: winnt.SecurityDelegation},
			"Delegation", false},
		"a client of another": {access.Subject{Primary: other, Client: client, Level: winnt.SecurityImpersonation},
			"Impersonation", true},
		"an identified client": {access.Subject{Primary: own, Client: client, Level: winnt.SecurityIdentification},
			"Identification", true},
		"a client without a level": {access.Subject{Client: client}, "Anonymous", false},
	} {
		r := newRequest(t, "…(A;;FR;;;WD)", winnt.GENERIC_READ)
		r.Subject = c.subject
		_, x, err := access.Explain(r)
		check.NoError(t, err)
		text := check.Must(x.Certificate(r, nil))
		var got struct{ Level, Primary, Desired string }
		check.That(t, strings.Contains(string(text), fmt.Sprintf("%x", sha256.Sum256(r.Descriptor.Binary()))),
			"certificate of %s: no hash of the descriptor in %s", name, text)
		if err := json.Unmarshal(text, &got); err != nil || got.Level != c.level || (got.Primary != "") != c.process ||
			got.Desired != "0x80000000" {
			t.Errorf("certificate of %s: %+v, %v; want level %q, the process's token: %t", name, got, err, c.level, c.process)
		}
	}
}

// A certificate has the hash of the token file as given, or of the token's own file. A request with another mapping
// is not the explained one.
func TestCertificateHashesTokenFile(t *testing.T) {
	file := []byte("{\n  \"groups\": [\"WD\"],\n  \"user\": \"S-1-5-21-1-2-3-501\"\n}\n")
	tok := check.Must(token.Parse(file))
	own := check.Must(tok.MarshalJSON())
	mapping := winnt.FileObject.Mapping
	r := &access.Request{Descriptor: mustDescriptor("O:BAG:SYD:(A;;FR;;;WD)"), Subject: access.Subject{Primary: tok},
		Desired: 1, Mapping: &mapping}
	_, x, err := access.Explain(r)
	check.NoError(t, err)
	for _, c := range []struct {
		name        string
		given, want []byte
	}{{"the given file", file, file}, {"no file", nil, own}, {"the token's own file", own, own}} {
		cert, err := x.Certificate(r, c.given)
		if want := fmt.Sprintf(`"token":"%x"`, sha256.Sum256(c.want)); err != nil || !strings.Contains(string(cert), want) {
			t.Errorf("certificate for %s: %s, %v; want it to contain %s", c.name, cert, err, want)
		}
	}
	for i, part := range []func(m *winnt.GenericMapping) *winnt.AccessMask{
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.Read },
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.Write },
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.Execute },
		func(m *winnt.GenericMapping) *winnt.AccessMask { return &m.All },
	} {
		other, another := *r, mapping
		*part(&another) |= 0x800
		other.Mapping = &another
		check.Equal(t, check.Err(x.Certificate(&other, nil)), access.ErrNotExplained,
			"Certificate after part %d of the mapping changed", i)
	}
}

// ExampleExplanation_Certificate creates a certificate of a decision, which others can verify.
func ExampleExplanation_Certificate() {
	file := []byte(`{"user":"S-1-5-21-1-2-3-501","groups":["BG","WD"]}`)
	t, err := token.Parse(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := &access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)"), Subject: access.Subject{Primary: t},
		Desired: winnt.FILE_READ_DATA, Type: winnt.FileObject}
	_, x, err := access.Explain(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	cert, err := x.Certificate(r, file)
	fmt.Println(strings.Contains(string(cert), `"granted":"0x00000001"`), err)
	// It is valid for the explained request and token only, and cannot include a Go callback.
	_, err = x.Certificate(r, []byte(`{"user":"S-1-5-18"}`))
	fmt.Println(errors.Is(err, access.ErrOtherToken))
	other := *r
	other.Desired = winnt.FILE_WRITE_DATA
	_, err = x.Certificate(&other, file)
	fmt.Println(errors.Is(err, access.ErrNotExplained))
	r.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	_, err = x.Certificate(r, file)
	fmt.Println(errors.Is(err, access.ErrCallback))
	// Output:
	// true <nil>
	// true
	// true
	// true
}

// A certificate states the request, the results and the steps. It lists privileges in alphabetical order, not by number
// (docs/certificates.md): SeTakeOwnershipPrivilege is 9 and SeBackupPrivilege 17.
func TestCertificateStatesDecision(t *testing.T) {
	byPrivilege := newRequest(t, "…", winnt.FILE_READ_DATA|winnt.WRITE_OWNER,
		privileges(winnt.SeTakeOwnershipPrivilege, winnt.SeBackupPrivilege))
	byPrivilege.Intent.Backup = true
	byPolicy := newRequest(t, "…(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)", 1)
	rulePolicy("")(byPolicy)
	byPolicy.Policies.Policies[0].Rules[0].Name = "<&>"
	byKernel := newRequest(t, "…", 1)
	byKernel.Mode = access.Kernel
	byType := newRequest(t, "…(A;;0x3;;;BO)(A;;0x1;;;WD)", 3)
	byType.ObjectTypes = list(0, nodeC, 1, nodeP1)
	for r, want := range map[*access.Request][]string{
		byPrivilege: {`"backup":true`, `"objectTypes":[]`, `"resultList":false,"results":[]`, `"self":""`,
			`"privileges":["SeBackupPrivilege","SeTakeOwnershipPrivilege"]`},
		byPolicy: {`"S-1-17-1":[["<&>",""`, `"kernelMode":false`},
		byKernel: {`"kernelMode":true`},
		byType: {`"backup":false`, `"privileges":[]`, `"resultList":true`,
			`"objectTypes":["0 c0000000000000000000000000000000","1 01000000000000000000000000000000"]`,
			`"results":["STATUS_ACCESS_DENIED 0x00000001","STATUS_ACCESS_DENIED 0x00000001"]`,
			`"steps":[{"ace":1,"bits":"0x00000001","granted":true,"list":"DACL","node":0,"pass":"","rule":"A-82"},`,
			`,{"ace":-1,"bits":"0x00000002","granted":false,"list":"","node":1,"pass":"","rule":"A-40"}],`},
	} {
		_, x, err := access.Explain(r)
		if r.ObjectTypes != nil {
			_, _, x, err = access.ExplainResultList(r)
		}
		check.NoError(t, err)
		cert := check.Must(x.Certificate(r, nil))
		for _, member := range want {
			check.That(t, strings.Contains(string(cert), member), "certificate %s\nwant it to contain %s", cert, member)
		}
	}
}

// Certificate returns an error unless the request and the token are the explained ones.
func TestCertificateNeedsExplainedRequest(t *testing.T) {
	explained := &access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(A;;0x1;;;WD)"),
		Subject: access.Subject{Primary: mustToken(t, baseSpec())}, Desired: 1, Type: winnt.FileObject}
	_, x, err := access.Explain(explained)
	check.NoError(t, err)
	always := func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	for name, c := range map[string]struct {
		change func(*access.Request)
		token  []byte
		want   error
	}{
		"the explained request": {func(*access.Request) {}, nil, nil},
		"another token's file":  {func(*access.Request) {}, []byte(`{"user":"S-1-5-18"}`), access.ErrOtherToken},
		"another mask":          {func(r *access.Request) { r.Desired = 2 }, nil, access.ErrNotExplained},
		"a callback":            {func(r *access.Request) { r.Options.Callback = always }, nil, access.ErrCallback},
		"no type":               {func(r *access.Request) { r.Type = nil }, nil, access.ErrNotExplained},
		"another type":          {func(r *access.Request) { r.Type = winnt.KeyObject }, nil, access.ErrNotExplained},
		"no token":              {func(r *access.Request) { r.Subject = access.Subject{} }, nil, access.ErrNoToken},
	} {
		r := *explained
		c.change(&r)
		check.Equal(t, check.Err(x.Certificate(&r, c.token)), c.want, "Certificate, %s", name)
	}
	for _, file := range []string{"", "{"} {
		var malformed *token.FileError
		err := check.Err(x.Certificate(explained, []byte(file)))
		check.That(t, errors.As(err, &malformed), "Certificate with the token file %q: %v, want a FileError", file, err)
	}
	// JSON has no form for a text that is not valid UTF-8, so such a token has no file.
	fileless := baseSpec()
	fileless.Source.Name = "a\xff"
	bad, own := mustToken(t, fileless), explained.Subject.Primary
	for name, s := range map[string]access.Subject{"effective": {Primary: bad}, "process": {Primary: bad, Client: own}} {
		r := *explained
		r.Subject = s
		check.That(t, check.Err(x.Certificate(&r, nil)) != nil, "Certificate, no file of the %s token: no error", name)
	}
	check.Equal(t, check.Err(x.Certificate(nil, nil)), access.ErrNoRequest, "Certificate of a nil request")
	check.Equal(t, check.Err((*access.Explanation)(nil).Certificate(explained, nil)), access.ErrNotExplained,
		"Certificate of a nil explanation")
}
