package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// certificateForm names the form of a certificate; another form has another
// name.
const certificateForm = "refmon access certificate 2"

// Errors of [Explanation.Certificate].
var (
	ErrOtherToken   = errors.New("access: the token file does not give the token of the certificate")
	ErrNotExplained = errors.New("access: the explanation is of another question, or of none")
	ErrCallback     = errors.New("access: Options.Callback is a Go function: a certificate cannot state it")
)

// certificate is the JSON document: canonical, so its keys are in alphabetical
// order. Masks are 0x and eight digits, hashes the SHA-256 in hexadecimal
// digits, bytes hexadecimal digits.
type certificate struct {
	ADOwnerReadOnly bool   `json:"adOwnerReadOnly"`
	Backup          bool   `json:"backup"`
	Form            string `json:"certificate"`
	ClaimsDisabled  bool   `json:"claimsDisabled"`
	// hash of the self-relative bytes, of no bytes if there is no descriptor
	Descriptor  string                 `json:"descriptor"`
	Desired     string                 `json:"desired"` // before the generic mapping
	Digest      string                 `json:"digest,omitempty"`
	Granted     string                 `json:"granted"`
	KernelMode  bool                   `json:"kernelMode"`
	Level       string                 `json:"level"`       // of the impersonation, "" for none
	Mapping     [4]string              `json:"mapping"`     // read, write, execute, all
	ObjectTypes []string               `json:"objectTypes"` // level and the bytes of the GUID
	Policies    map[string][][3]string `json:"policies"`    // by id: name, condition and descriptor of each rule
	Previous    string                 `json:"previous"`
	// token file of the process, or "" if it is the same token
	Primary    string            `json:"primary"`
	Privileges []string          `json:"privileges"` // used, in alphabetical order
	Restore    bool              `json:"restore"`
	ResultList bool              `json:"resultList"`
	Results    []string          `json:"results"` // status and rights of each node of a result list
	Self       string            `json:"self"`    // the SID for S-1-5-10, "" for none
	Status     string            `json:"status"`
	Steps      []certificateStep `json:"steps"` // those that granted or refused something
	Token      string            `json:"token"` // hash of the token file
}

// certificateStep is one step that granted or refused rights: the entry by list
// and index (-1 for a stage without an entry), the pass, and the node of the
// object type list, 0 for the root. Its field order is the alphabetical one of
// the canonical form.
type certificateStep struct {
	ACE     int    `json:"ace"`
	Bits    string `json:"bits"`
	Granted bool   `json:"granted"`
	List    string `json:"list"`
	Node    int    `json:"node"`
	Pass    string `json:"pass"`
	Rule    string `json:"rule"`
}

// Certificate returns a JSON document with the decision, which others can verify without this package. It contains the
// hash of the descriptor's bytes (sd.Descriptor.Binary) and of the token file. It also contains the rest of the
// request, the decision, and each step that granted or refused a right.
//
// r is the explained request. tokenFile is the file from which the effective token was parsed; nil means the token's
// MarshalJSON. A verifier needs only the descriptor, the token file and the document. The document contains all other
// data: the process's token if it differs, object types, central policies.
//
// The member digest is the hash of the document without it, as one line without blanks. It detects accidental changes.
// Against forgery, a verifier repeats every step.
//
// The error is [ErrNoRequest], [ErrOtherToken], [ErrNotExplained], [ErrCallback], [ErrNoToken], or wraps the error of
// parsing the file.
func (x *Explanation) Certificate(r *Request, tokenFile []byte) ([]byte, error) {
	if r == nil {
		return nil, ErrNoRequest
	}
	t := r.Subject.Effective()
	m := r.mapping()
	switch {
	case t == nil:
		return nil, ErrNoToken
	// The explanation must answer this very question: the same mapped rights
	// under the same mapping.
	case m == nil || x == nil || x.mapping == nil || m.Map(r.Desired) != x.Desired || *m != *x.mapping:
		return nil, ErrNotExplained
	// A verifier in another language cannot repeat the decision of a Go function, and a certificate without it would
	// certify a guess.
	case r.Options.Callback != nil:
		return nil, ErrCallback
	}
	// The file that was read may be laid out differently from the one the token
	// writes; both must give the same token.
	own, err := t.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if tokenFile == nil {
		tokenFile = own
	} else if err := sameToken(tokenFile, own); err != nil {
		return nil, err
	}
	c := certificate{
		Form: certificateForm, Descriptor: hashOf(bytesOf(r.Descriptor)), Token: hashOf(tokenFile),
		Desired: r.Desired.Padded(), Mapping: [4]string{m.Read.Padded(), m.Write.Padded(), m.Execute.Padded(),
			m.All.Padded()},
		Previous: r.Previous.Padded(), Self: r.Self.String(), KernelMode: r.Mode == Kernel, Level: r.Subject.level(),
		Backup: r.Intent.Backup, Restore: r.Intent.Restore,
		ADOwnerReadOnly: r.Options.ADOwnerReadOnly, ClaimsDisabled: r.Options.ClaimsDisabled,
		ObjectTypes: []string{}, Policies: certifiedPolicies(r.Policies),
		Status: x.Decision.Status().String(), Granted: x.Decision.Granted.Padded(), Privileges: append([]string{},
			x.Decision.PrivilegesUsed.Names()...),
		ResultList: x.each, Results: []string{}, Steps: []certificateStep{},
	}
	// Only compound entries read the process's token. The certificate always names it, so a verifier need not search
	// the list for compound entries.
	primary, err := r.Subject.primary().MarshalJSON()
	if err != nil {
		return nil, err
	}
	// The process's token decides the server SIDs of compound entries. Usually it is the effective token, which ""
	// represents.
	if !bytes.Equal(primary, own) {
		c.Primary = string(primary)
	}
	for _, e := range r.ObjectTypes {
		c.ObjectTypes = append(c.ObjectTypes, fmt.Sprintf("%d %x", e.Level, e.GUID[:]))
	}
	// The canonical form leaves no order to choose.
	slices.Sort(c.Privileges)
	x.certify(&c)
	body, err := compact(&c)
	if err != nil {
		return nil, err
	}
	c.Digest = hashOf(body)
	return compact(&c)
}

// certify copies the explanation's results into certificate c: one line per node of a result list, and each step that
// granted or refused bits.
func (x *Explanation) certify(c *certificate) {
	for _, n := range x.results {
		c.Results = append(c.Results, n.Status().String()+" "+n.Granted.Padded())
	}
	for i := range x.Steps {
		// Steps without bits only explain the decision. A verifier walks the ACL itself and does not need them.
		if s := &x.Steps[i]; s.Bits != 0 {
			c.Steps = append(c.Steps, certificateStep{s.ACE, s.Bits.Padded(), s.Granted, valid(s.List), s.Node, s.Pass,
				s.Rule})
		}
	}
}

// level returns the name of the client's impersonation level for a certificate, or "" if the subject has no client. A
// level above Delegation has the name of Delegation.
func (s *Subject) level() string {
	if s.Client == nil {
		return ""
	}
	return [...]string{"Anonymous", "Identification", "Impersonation",
		"Delegation"}[min(s.Level, winnt.SecurityDelegation)]
}

// certifiedPolicies returns all central access policies for a certificate. The map has, by policy id, each rule's
// name, encoded condition and encoded descriptor. The recovery policy has the id "". Of two policies with the same
// id, the map contains the first. Without policies the map is empty.
func certifiedPolicies(policies *PolicySet) map[string][][3]string {
	// A certificate needs every policy, because a missing policy also affects decisions.
	out := map[string][][3]string{}
	if !policies.configured() {
		return out
	}
	add := func(id string, rules ...Rule) {
		if _, twice := out[id]; twice { // an access check uses the first policy with this id
			return
		}
		out[id] = [][3]string{}
		for i := range rules {
			c := [3]string{valid(rules[i].Name), "", hex.EncodeToString(bytesOf(rules[i].Descriptor))}
			if x := rules[i].AppliesTo; x != nil {
				c[1] = hex.EncodeToString(x.Encode())
			}
			out[id] = append(out[id], c)
		}
	}
	add("", policies.recoveryRule()) // first: no entry names a policy without id
	for i := range policies.Policies {
		add(policies.Policies[i].ID.String(), policies.Policies[i].Rules...)
	}
	return out
}

// sameToken checks that a token file describes the token whose JSON form is own. It returns [ErrOtherToken] if it
// describes another token, and wraps the error of parsing the file.
func sameToken(file, own []byte) error {
	t, err := token.Parse(file)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	again, err := t.MarshalJSON()
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if !bytes.Equal(again, own) {
		return ErrOtherToken
	}
	return nil
}

// bytesOf returns the self-relative form of d, or nil for a nil descriptor.
func bytesOf(d *sd.Descriptor) []byte {
	if d == nil {
		return nil
	}
	return d.Binary()
}

// valid returns a name with invalid UTF-8 replaced, so that JSON can contain it.
func valid(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }

// hashOf returns the SHA-256 hash of b as lower-case hexadecimal digits.
func hashOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// compact returns the certificate as one line of JSON.
func compact(c *certificate) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
