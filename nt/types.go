package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Captured is a parameter that a caller passes by pointer: its value, or the status of reading it from the caller's
// memory. A service checks this status at the point at which its rules capture the input, so every transport has the
// documented order of errors. The zero value is a NULL pointer or an empty value.
type Captured[T any] struct {
	V      T
	Status ntstatus.Status
}

// Cap returns v as a parameter that was read from the caller's memory without an error.
func Cap[T any](v T) Captured[T] { return Captured[T]{V: v} }

// SecurityQualityOfService is SECURITY_QUALITY_OF_SERVICE (12 bytes in C).
// The zero value allows nothing: SecurityAnonymous, static tracking.
type SecurityQualityOfService struct {
	ImpersonationLevel  winnt.SecurityImpersonationLevel
	ContextTrackingMode bool // winnt.SECURITY_STATIC_TRACKING or SECURITY_DYNAMIC_TRACKING
	EffectiveOnly       bool
}

// ObjectAttributes is OBJECT_ATTRIBUTES. The zero value has no name, no
// attributes, and a NULL descriptor and quality of service.
type ObjectAttributes struct {
	RootDirectory            winnt.Handle
	ObjectName               string
	Unnamed                  bool   // ObjectName is NULL, which below a RootDirectory is not an empty name
	Attributes               uint32 // OBJ_*
	SecurityDescriptor       *sd.Descriptor
	SecurityQualityOfService *SecurityQualityOfService
}

// ClientID is CLIENT_ID: process and thread id. Either may be 0 if a service
// does not need it.
type ClientID struct{ UniqueProcess, UniqueThread winnt.Handle }

// LUIDAndAttributes is LUID_AND_ATTRIBUTES: a privilege and SE_PRIVILEGE_*.
type LUIDAndAttributes struct {
	LUID       winnt.LUID `param:"Luid"`
	Attributes uint32
}

// PrivilegeSet is PRIVILEGE_SET. Control is 0 or PRIVILEGE_SET_ALL_NECESSARY.
type PrivilegeSet struct {
	Control   uint32
	Privilege []LUIDAndAttributes
}

// TokenStatistics is TOKEN_STATISTICS (56 bytes in C).
type TokenStatistics struct {
	TokenID            winnt.LUID `param:"TokenId"`
	AuthenticationID   winnt.LUID `param:"AuthenticationId"`
	ExpirationTime     int64      // 100 ns units since 1601-01-01; negative or maximal: never
	TokenType          winnt.TokenType
	ImpersonationLevel winnt.SecurityImpersonationLevel
	DynamicCharged     uint32 // bytes
	DynamicAvailable   uint32 // bytes
	GroupCount         uint32 // without the user
	PrivilegeCount     uint32
	ModifiedID         winnt.LUID `param:"ModifiedId"`
}
