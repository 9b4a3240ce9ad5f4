// Command refmon-verify checks a certificate of refmon why --certificate
// against the descriptor's bytes and the token file alone: it decides the
// question anew, writes the certificate itself, and compares. It shares no code
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
	"strings"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var files [][]byte
	for _, name := range args {
		b, err := os.ReadFile(name)
		if err != nil {
			fmt.Println("refmon-verify:", err)
			return 2
		}
		files = append(files, b)
	}
	if len(files) != 3 {
		fmt.Println("usage: refmon-verify CERTIFICATE DESCRIPTOR TOKEN")
		return 2
	}
	if b, err := hex.DecodeString(string(bytes.TrimSpace(files[1]))); err == nil {
		files[1] = b
	}
	outcome, err := verify(files[0], files[1], files[2])
	if _, unable := err.(notVerifiable); unable {
		fmt.Println(err)
		return 2
	} else if err != nil {
		fmt.Println("refused:", err)
		return 1
	}
	fmt.Println("verified:", outcome)
	return 0
}

// notVerifiable is the error of a certificate that may be true, but says more
// than this program can check. Readers panic with it.
type notVerifiable string

func (e notVerifiable) Error() string { return "not verifiable: " + string(e) }

func unable(format string, args ...any) notVerifiable {
	return notVerifiable(fmt.Sprintf(format, args...))
}

const form = "refmon access certificate 1"

// verify checks a certificate. The error is a notVerifiable, or says where the
// certificate is false. A reader that panics has met malformed input.
func verify(cert, descriptor, token []byte) (outcome string, err error) {
	defer func() {
		if p := recover(); p != nil {
			if err, _ = p.(notVerifiable); err == notVerifiable("") { //nolint:errorlint // what was panicked with, never wrapped
				err = fmt.Errorf("an input is malformed: %v", p)
			}
		}
	}()
	var says bytes.Buffer
	var c struct {
		Certificate, Desired, Self string
		Mapping                    [4]string
		Beyond                     []string
	}
	if json.Compact(&says, cert) != nil || json.Unmarshal(cert, &c) != nil {
		return "", errors.New("it is no certificate")
	}
	if c.Certificate != form || len(c.Beyond) > 0 {
		return "", unable("form %q, beyond its inputs %q", c.Certificate, c.Beyond)
	}
	q := query{desired: mask(c.Desired), object: parseDescriptor(descriptor), token: parseToken(token)}
	for i, m := range c.Mapping {
		q.mapping[i] = mask(m)
	}
	if c.Self != "" {
		q.self = parseSID(c.Self, "")
	}
	status, granted := q.decide()
	body := fmt.Sprintf(`{"certificate":%q,"descriptor":%q,"token":%q,"desired":"0x%08x","mapping":["0x%08x","0x%08x","0x%08x","0x%08x"],"self":%q,"beyond":[],"status":%q,"granted":"0x%08x","privileges":[%s],"steps":[%s]`,
		form, hash(descriptor), hash(token), q.desired, q.mapping[0], q.mapping[1], q.mapping[2], q.mapping[3], c.Self, status, granted, strings.Join(q.used, ","), strings.Join(q.steps, ","))
	want := fmt.Sprintf(`%s,"digest":%q}`, body, hash([]byte(body+"}")))
	for i := range max(len(want), says.Len()) {
		if i >= len(want) || i >= says.Len() || want[i] != says.Bytes()[i] {
			return "", fmt.Errorf("it says …%.60s, and the inputs give …%.60s", says.Bytes()[min(max(0, i-20), says.Len()):], want[min(max(0, i-20), len(want)):])
		}
	}
	return fmt.Sprintf("%s granted 0x%08x in %d steps", status, granted, len(q.steps)), nil
}

func hash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func mask(s string) (m uint32) {
	if _, err := fmt.Sscanf(s, "0x%08x", &m); err != nil {
		panic(err)
	}
	return m
}
