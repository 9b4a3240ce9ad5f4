package nt

import "github.com/refmon/refmon/ntstatus"

// TokenServices is the part of [Services] that makes, changes and compares
// tokens.
type TokenServices interface {
	NtCreateToken(CreateTokenIn) (CreateTokenOut, ntstatus.Status)
	NtCreateTokenEx(CreateTokenExIn) (CreateTokenOut, ntstatus.Status)
	NtCreateLowBoxToken(CreateLowBoxTokenIn) (CreateLowBoxTokenOut, ntstatus.Status)
	NtFilterToken(FilterTokenIn) (FilterTokenOut, ntstatus.Status)
	NtFilterTokenEx(FilterTokenExIn) (FilterTokenOut, ntstatus.Status)
	NtAdjustGroupsToken(AdjustGroupsTokenIn) (AdjustGroupsTokenOut, ntstatus.Status)
	NtAdjustTokenClaimsAndDeviceGroups(AdjustTokenClaimsIn) (AdjustTokenClaimsOut, ntstatus.Status)
	NtCompareTokens(CompareTokensIn) (CompareTokensOut, ntstatus.Status)
	NtSetInformationToken(SetInformationTokenIn) (SetInformationTokenOut, ntstatus.Status)
	NtQuerySecurityAttributesToken(QuerySecurityAttributesTokenIn) (QuerySecurityAttributesTokenOut, ntstatus.Status)
	NtAllocateLocallyUniqueId(AllocateLocallyUniqueIDIn) (AllocateLocallyUniqueIDOut, ntstatus.Status)
}
