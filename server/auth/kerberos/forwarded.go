package kerberos

import (
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// usageCredential is the key usage of the encrypted part of a KRB-CRED (RFC 4120 7.5.1).
const usageCredential = 14

// maxForwarded limits the tickets of one forwarded credential. Clients forward one.
const maxForwarded = 16

// forwarded reports whether the client really forwarded a credential, which delegation requires (K-45). The KRB-CRED
// must have a valid ticket of the same client for the KDC. The subkey or the session key must decrypt it (RFC 4120
// 5.8, RFC 4121 4.1.1). nil and malformed bytes return false. No credential is kept.
func (a *Acceptor) forwarded(o *opened, credential []byte, now time.Time) bool {
	tickets, sealed, ok := readCredential(credential)
	if !ok {
		return false
	}
	for _, key := range []types.EncryptionKey{o.auth.SubKey, o.ticket.Key} {
		if !slices.Contains(a.etypes, key.KeyType) {
			continue
		}
		sealed.EType = key.KeyType
		part, err := decrypt(sealed, key, usageCredential)
		if err != nil {
			continue
		}
		infos, ok := readCredentialPart(part)
		return ok && len(infos) == tickets && slices.ContainsFunc(infos, func(i credentialInfo) bool {
			return i.client == o.client() && i.realm == o.ticket.CRealm && strings.HasPrefix(i.service, "krbtgt/") &&
				i.end.After(now.Add(-a.cfg.Skew))
		})
	}
	return false
}

// readCredential parses a KRB-CRED. It returns the number of its tickets, which may be 0, and its encrypted part. ok is
// false with more than maxForwarded tickets, and for malformed input. The encryption type is not returned.
func readCredential(b []byte) (tickets int, sealed types.EncryptedData, ok bool) {
	var seq, list, ticket, part, cipher cryptobyte.String
	s := cryptobyte.String(b)
	var etype int64
	if !message(&s, 22, &seq) || !number(&seq, 0, 5) || !number(&seq, 1, 22) || !explicit(&seq, 2, &list, asn1.SEQUENCE) ||
		!explicit(&seq, 3, &part, asn1.SEQUENCE) {
		return 0, sealed, false
	}
	for ; !list.Empty(); tickets++ {
		if tickets == maxForwarded || !list.ReadASN1(&ticket, asn1.Tag(0x60|1)) {
			return 0, sealed, false
		}
	}
	var field cryptobyte.String
	if !part.ReadASN1(&field, explicit0) || !field.ReadASN1Integer(&etype) || !part.SkipOptionalASN1(explicit1) ||
		!explicit(&part, 2, &cipher, asn1.OCTET_STRING) {
		return 0, sealed, false
	}
	sealed.Cipher = cipher
	return tickets, sealed, true
}

// credentialInfo describes one ticket of a forwarded credential, from its encrypted part. The zero value names no
// client.
type credentialInfo struct {
	client, realm, service string
	end                    time.Time
}

// readCredentialPart parses the decrypted part of a KRB-CRED and returns a description of each ticket. ok is false for
// malformed bytes and for more than maxForwarded tickets. It ignores what follows the list.
func readCredentialPart(b []byte) (out []credentialInfo, ok bool) {
	var seq, list, entry cryptobyte.String
	s := cryptobyte.String(b)
	if !message(&s, 29, &seq) || !explicit(&seq, 0, &list, asn1.SEQUENCE) {
		return nil, false
	}
	for !list.Empty() {
		if len(out) == maxForwarded || !list.ReadASN1(&entry, asn1.SEQUENCE) {
			return nil, false
		}
		i, ok := readCredentialInfo(entry)
		if !ok {
			return nil, false
		}
		out = append(out, i)
	}
	return out, true
}

// readCredentialInfo parses the fields of KrbCredInfo. It skips unknown fields, and an absent field has the zero value.
// ok is false for malformed fields, and true for no field at all. Of a repeated field the last one is used.
func readCredentialInfo(entry cryptobyte.String) (i credentialInfo, ok bool) {
	for !entry.Empty() {
		var field, text cryptobyte.String
		var tag asn1.Tag
		if !entry.ReadAnyASN1(&field, &tag) {
			return i, false
		}
		switch tag {
		case 0xa0 | 1:
			ok = field.ReadASN1(&text, generalString)
			i.realm = string(text)
		case 0xa0 | 2:
			i.client, ok = readName(field)
		case 0xa0 | 6:
			ok = field.ReadASN1GeneralizedTime(&i.end)
		case 0xa0 | 9:
			i.service, ok = readName(field)
		default:
			ok = true
		}
		if !ok {
			return i, false
		}
	}
	return i, true
}

// maxComponents limits the components of a name.
const maxComponents = 16

const generalString = asn1.Tag(27)

// readName parses a PrincipalName and joins its components with slashes. It returns false if the name is malformed or
// has more than maxComponents. A name without components is "". readName ignores the type of the name.
func readName(field cryptobyte.String) (string, bool) {
	var seq, kind, list, text cryptobyte.String
	var parts []string
	if !field.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&kind, explicit0) ||
		!explicit(&seq, 1, &list, asn1.SEQUENCE) {
		return "", false
	}
	for !list.Empty() {
		if len(parts) == maxComponents || !list.ReadASN1(&text, generalString) {
			return "", false
		}
		parts = append(parts, string(text))
	}
	return strings.Join(parts, "/"), true
}

// message parses a Kerberos message in ASN.1: all of s must be an application tag that contains a sequence, which it
// stores in seq.
func message(s *cryptobyte.String, tag uint8, seq *cryptobyte.String) bool {
	var outer cryptobyte.String
	return s.ReadASN1(&outer, asn1.Tag(0x60|tag)) && s.Empty() && outer.ReadASN1(seq, asn1.SEQUENCE) && outer.Empty()
}

// explicit parses an explicitly tagged ASN.1 field with number n, whose contents have one type, into out. It reports
// whether the field is there.
func explicit(s *cryptobyte.String, n uint8, out *cryptobyte.String, tag asn1.Tag) bool {
	var field cryptobyte.String
	return s.ReadASN1(&field, asn1.Tag(0xa0|n)) && field.ReadASN1(out, tag) && field.Empty()
}

// number parses an explicitly tagged ASN.1 number, such as a protocol version, and reports whether it is want.
func number(s *cryptobyte.String, n uint8, want int64) bool {
	var field cryptobyte.String
	var got int64
	return s.ReadASN1(&field, asn1.Tag(0xa0|n)) && field.ReadASN1Integer(&got) && field.Empty() && got == want
}
