package token

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
)

// RestrictedUserClaims returns the user's claims that the restricted pass of an
// access check sees. These are all of them, unless NtFilterTokenEx removed some
// (T-67).
func (t *Token) RestrictedUserClaims() *claims.Set {
	if t.body.restrictedUser != nil {
		return t.body.restrictedUser
	}
	return t.body.userClaims
}

// RestrictedDeviceClaims returns the device's claims that the restricted pass of an access check sees. These are all
// of them, unless NtFilterTokenEx removed some (T-67).
func (t *Token) RestrictedDeviceClaims() *claims.Set {
	// An empty set differs from nil: the filter left no claim (T-67).
	if t.body.restrictedDeviceClaims != nil {
		return t.body.restrictedDeviceClaims
	}
	return t.body.deviceClaims
}

// AuditPolicySize is the size of a per-user audit policy, in bytes.
const AuditPolicySize = 30

// AuditPolicy returns the per-user audit policy of class 16: [AuditPolicySize]
// bytes, half a byte for each subcategory. All bytes are zero if no policy was
// set.
func (t *Token) AuditPolicy() []byte {
	out := make([]byte, AuditPolicySize)
	copy(out, t.body.auditPolicy)
	return out
}

// WithAuditPolicy returns the token with another per-user audit policy. It
// fails with STATUS_INVALID_PARAMETER for a policy of another size. It keeps
// ModifiedId, because no decision reads the policy.
func (t *Token) WithAuditPolicy(policy []byte) (*Token, ntstatus.Status) {
	if len(policy) != AuditPolicySize {
		return nil, ntstatus.InvalidParameter
	}
	return t.withBody(t.modified, func(b *body) { b.auditPolicy = string(policy) }), ntstatus.Success
}

// IsolationPrefix returns the prefix of the token's private part of the
// namespace (class 44), or "" if names are not isolated.
func (t *Token) IsolationPrefix() string { return t.body.isolation }

// WithIsolationPrefix returns the token with another prefix, "" for none. It
// keeps ModifiedId.
func (t *Token) WithIsolationPrefix(prefix string) *Token {
	return t.withBody(t.modified, func(b *body) { b.isolation = prefix })
}
