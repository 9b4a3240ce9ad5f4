// Command refmon-verify checks a certificate of refmon why --certificate
// against the descriptor's bytes and the token file alone. It shares no code
// with refmon and links the standard library only, so that an auditor can read
// all there is to trust.
//
//	refmon-verify CERTIFICATE DESCRIPTOR TOKEN
//
// DESCRIPTOR holds self-relative bytes, as they are or in hexadecimal digits.
//
// Covered: plain entries, object entries without an object type list, deny-only
// groups, the owner's implicit rights and OWNER RIGHTS, PRINCIPAL SELF,
// privileges, mandatory and trust labels, restricted and write-restricted
// tokens, AppContainers, NULL DACLs, MAXIMUM_ALLOWED. Whatever else plays a part
// (conditions, compound entries, access filters, object types, intent, central
// policies, rights granted before) is refused as not verifiable.
//
// The exit code is 0 if the certificate is true, 1 if it is false or altered, 2
// if it is not verifiable or a file cannot be read.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: refmon-verify CERTIFICATE DESCRIPTOR TOKEN")
		return 2
	}
	var files [3][]byte
	for i, name := range args {
		b, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "refmon-verify:", err)
			return 2
		}
		files[i] = b
	}
	if b, err := hex.DecodeString(string(bytes.TrimSpace(files[1]))); err == nil {
		files[1] = b
	}
	c, err := verify(files[0], files[1], files[2])
	var unable notVerifiable
	switch {
	case errors.As(err, &unable):
		fmt.Println(err)
		return 2
	case err != nil:
		fmt.Println("refused:", err)
		return 1
	}
	fmt.Printf("verified: %s granted %s in %d steps\n", c.Status, c.Granted, len(c.Steps))
	return 0
}

// notVerifiable is the error of a certificate that may be true, but says more
// than this program can check. Readers panic with it, or with an error.
type notVerifiable string

func (e notVerifiable) Error() string { return "not verifiable: " + string(e) }

func unable(format string, args ...any) notVerifiable {
	return notVerifiable(fmt.Sprintf(format, args...))
}

const form = "refmon access certificate 1"

type certificate struct {
	Form       string    `json:"certificate"`
	Descriptor string    `json:"descriptor"`
	Token      string    `json:"token"`
	Desired    string    `json:"desired"`
	Mapping    [4]string `json:"mapping"`
	Self       string    `json:"self"`
	Beyond     []string  `json:"beyond"`
	Status     string    `json:"status"`
	Granted    string    `json:"granted"`
	Privileges []string  `json:"privileges"`
	Steps      []step    `json:"steps"`
	Digest     string    `json:"digest,omitempty"`
}

type step struct {
	Rule    string `json:"rule"`
	List    string `json:"list"`
	ACE     int    `json:"ace"`
	Pass    string `json:"pass"`
	Bits    string `json:"bits"`
	Granted bool   `json:"granted"`
}

// verify checks a certificate. The error is a notVerifiable, or says in what
// the certificate is false. What goes wrong while reading is malformed input.
func verify(cert, descriptor, token []byte) (c *certificate, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case notVerifiable:
			err = p
		default:
			err = fmt.Errorf("an input is malformed: %v", p)
		}
	}()
	if c, err = parseCertificate(cert); err != nil {
		return nil, err
	}
	if hash(descriptor) != c.Descriptor || hash(token) != c.Token {
		return nil, errors.New("it is about another descriptor or token: the hash differs")
	}
	if len(c.Beyond) > 0 {
		return nil, unable("it depends on %v", c.Beyond)
	}
	q := query{desired: mask(c.Desired), object: parseDescriptor(descriptor), token: parseToken(token)}
	for i, m := range c.Mapping {
		q.mapping[i] = mask(m)
	}
	if c.Self != "" {
		q.self = parseSID(c.Self, "")
	}
	return c, q.compare(c)
}

// parseCertificate reads a certificate and its digest. Written again it must
// be the same but for blanks: no field is unknown, missing, doubled or moved.
func parseCertificate(b []byte) (*certificate, error) {
	c := new(certificate)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("it is no certificate: %v", err)
	}
	again, err := json.Marshal(c)
	var dense bytes.Buffer
	if json.Compact(&dense, b) != nil || err != nil || !bytes.Equal(again, dense.Bytes()) {
		return nil, errors.New("it is not in the form of a certificate")
	}
	body := *c
	body.Digest = ""
	if again, err = json.Marshal(body); err != nil || hash(again) != c.Digest {
		return nil, errors.New("it was altered: the digest differs")
	}
	if c.Form != form {
		return nil, unable("the form %q is unknown", c.Form)
	}
	return c, nil
}

func hash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func mask(s string) (m uint32) {
	if _, err := fmt.Sscanf(s, "0x%08x", &m); err != nil || hex8(m) != s {
		panic(fmt.Errorf("%q is no mask", s))
	}
	return m
}

func hex8(m uint32) string { return fmt.Sprintf("0x%08x", m) }

// compare decides anew and holds the certificate to it, step by step.
func (q *query) compare(c *certificate) error {
	status, granted := q.decide()
	for i := range max(len(q.steps), len(c.Steps)) {
		switch {
		case i >= len(c.Steps):
			return fmt.Errorf("step %d is missing: %+v", i, q.steps[i])
		case i >= len(q.steps):
			return fmt.Errorf("step %d does not follow from the inputs: %+v", i, c.Steps[i])
		case c.Steps[i] != q.steps[i]:
			return fmt.Errorf("step %d is %+v, and the inputs give %+v", i, c.Steps[i], q.steps[i])
		}
	}
	if c.Status != status || c.Granted != hex8(granted) || !slices.Equal(c.Privileges, q.used) {
		return fmt.Errorf("the outcome is %s %s %v, and the steps give %s %s %v", c.Status, c.Granted, c.Privileges, status, hex8(granted), q.used)
	}
	return nil
}
