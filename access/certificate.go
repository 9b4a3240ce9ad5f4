package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// CertificateForm names the form of a certificate; another form has another
// name.
const CertificateForm = "refmon access certificate 1"

// Errors of [Explanation.Certificate].
var (
	ErrOtherToken   = errors.New("access: the token file does not give the token that was asked about")
	ErrNotExplained = errors.New("access: the explanation is of another question, or of none")
)

// certificate is the JSON document. Masks are 0x and eight digits, hashes the
// SHA-256 in hexadecimal digits. The order of the fields is part of the form.
type certificate struct {
	Form       string            `json:"certificate"`
	Descriptor string            `json:"descriptor"` // hash of the self-relative bytes
	Token      string            `json:"token"`      // hash of the token file
	Desired    string            `json:"desired"`    // before the generic mapping
	Mapping    [4]string         `json:"mapping"`    // read, write, execute, all
	Self       string            `json:"self"`       // what S-1-5-10 stood for, "" for nothing
	Beyond     []string          `json:"beyond"`     // what else went into the decision
	Status     string            `json:"status"`
	Granted    string            `json:"granted"`
	Privileges []string          `json:"privileges"` // used
	Steps      []certificateStep `json:"steps"`      // those that granted or refused something
	Digest     string            `json:"digest,omitempty"`
}

type certificateStep struct {
	Rule    string `json:"rule"`
	List    string `json:"list"`
	ACE     int    `json:"ace"`
	Pass    string `json:"pass"`
	Bits    string `json:"bits"`
	Granted bool   `json:"granted"`
}

// Certificate states the decision so that others can verify it without this
// package: hashes of the descriptor's bytes (sd.Descriptor.Binary) and of the
// token file, the question, the answer, and each step that granted or refused a
// right. r is the request that was explained. tokenFile is the file the
// effective token was read from; nil stands for its MarshalJSON.
//
// What a verifier needs beyond descriptor, token, mask, mapping and self (object
// types, policies, intent, what was granted before …) is named in the field
// beyond: a verifier that does not know it must refuse. digest is the hash of
// the document without it, as one line without blanks. It guards against
// accidents; what guards against forgery is that a verifier repeats every step.
//
// The error is [ErrOtherToken], [ErrNotExplained], [ErrNoToken], or wraps that
// of reading the file.
func (x *Explanation) Certificate(r *Request, tokenFile []byte) ([]byte, error) {
	t := r.Subject.Effective()
	m := r.mapping()
	switch {
	case t == nil:
		return nil, ErrNoToken
	case m == nil || m.Map(r.Desired) != x.Desired || *m != *x.mapping:
		return nil, ErrNotExplained
	}
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
		Form: CertificateForm, Descriptor: hashOf(r.Descriptor.Binary()), Token: hashOf(tokenFile),
		Desired: r.Desired.Padded(), Mapping: [4]string{m.Read.Padded(), m.Write.Padded(), m.Execute.Padded(), m.All.Padded()},
		Self: r.Self.String(), Beyond: r.beyond(),
		Status: x.Decision.Status.String(), Granted: x.Decision.Granted.Padded(), Privileges: append([]string{}, x.Decision.PrivilegesUsed.Names()...),
		Steps: []certificateStep{},
	}
	for i := range x.Steps {
		if s := &x.Steps[i]; s.Bits != 0 {
			c.Steps = append(c.Steps, certificateStep{s.Rule, s.List, s.ACE, s.Pass, s.Bits.Padded(), s.Granted})
		}
	}
	body, err := compact(&c)
	if err != nil {
		return nil, err
	}
	c.Digest = hashOf(body)
	return compact(&c)
}

// sameToken checks that a file gives the token whose own file is own.
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

// beyond names what went into a decision besides the inputs of a certificate.
func (r *Request) beyond() []string {
	out := []string{}
	for _, f := range []struct {
		name string
		used bool
	}{
		{"kernelMode", r.Mode == Kernel},
		{"noDescriptor", r.Descriptor == nil},
		{"level", r.Subject.Client != nil && r.Subject.Level < winnt.SecurityImpersonation},
		{"previous", r.Previous != 0},
		{"objectTypes", len(r.ObjectTypes) > 0},
		{"intent", r.Intent != Intent{}},
		{"policies", r.Policies.configured()},
		{"options", r.Options.ADOwnerReadOnly || r.Options.ClaimsDisabled || r.Options.Callback != nil},
	} {
		if f.used {
			out = append(out, f.name)
		}
	}
	return out
}

func hashOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// compact is the one line of a certificate.
func compact(c *certificate) ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return b, nil
}
