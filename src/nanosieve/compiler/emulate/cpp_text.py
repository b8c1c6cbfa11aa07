"""What stands in every C++ source."""

from __future__ import annotations

__all__ = ["EVALUATE", "HEAD", "HELPERS", "OF_THE_THREAD", "STATUS"]

HEAD = """\
// Network @TITLE@, bit for bit as its Verilog computes it. Written by nanosieve; do not edit.
//
@PORTS@
//
// C++17, nothing but the standard library. Include this file and write
//
//   namespace network = nanosieve::@NAME@;
//   network::RealInputs in;    // numbers, in the units of the training
//   network::RealOutputs out;
//   if (network::evaluate(in, out) != network::Status::ok) { ... }
//
// or the same with Inputs and Outputs, which hold integer codes: value = code * 2^exponent. All functions
// are thread-safe and re-entrant, throw nothing and allocate nothing. A call that is given a Workspace uses
// that, one for each thread; a call without one takes it from the stack, or from storage of its thread where
// it is larger than 64 KiB. An event that is refused leaves the outputs as they were or in part written.
// Numbers are rounded and saturated (or wrapped) as each input states; this needs IEEE 754 doubles, thus no
// -ffast-math.
#ifndef NANOSIEVE_CPP_@NAME@
#define NANOSIEVE_CPP_@NAME@

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

#if defined(__FAST_MATH__)
#error "compile without -ffast-math: NaN and infinity have to be seen"
#endif
#ifndef NANOSIEVE_RESTRICT
#if defined(__GNUC__) || defined(_MSC_VER)
#define NANOSIEVE_RESTRICT __restrict
#else
#define NANOSIEVE_RESTRICT
#endif
#endif

namespace nanosieve::@NAME@ {

static_assert((std::int32_t{-3} >> 1) == -2 && (std::int64_t{-3} >> 1) == -2, "shifts keep the sign");
static_assert(std::numeric_limits<double>::is_iec559, "numbers are IEEE 754 doubles");
"""

STATUS = """\
/// Why an event was refused.
enum class Status {
    ok,            ///< it was not
    out_of_range,  ///< an input code lies outside its type
    not_finite     ///< an input is NaN or infinite, or too large to be wrapped
};

/// A status in words.
constexpr const char* message(Status status) noexcept {
    return status == Status::ok             ? "no error"
           : status == Status::out_of_range ? "an input code lies outside its type"
                                            : "an input is NaN or infinite";
}
"""

HELPERS = """
/// The values inside the network.
struct Workspace {
@WORKSPACE@
};

namespace detail {

template <class T> constexpr T at_least(T code, T low) noexcept { return code < low ? low : code; }
template <class T> constexpr T at_most(T code, T high) noexcept { return code > high ? high : code; }

/// code / 2^shift towards minus infinity.
template <class T> constexpr T floor_shift(T code, int shift) noexcept {
    return static_cast<T>(code >> shift);
}
/// code / 2^shift to the nearest, ties towards plus infinity.
template <class T> constexpr T round_shift(T code, int shift) noexcept {
    return shift == 0 ? code : static_cast<T>((code + (T{1} << (shift - 1))) >> shift);
}
/// code / 2^shift to the nearest, ties to the even code.
template <class T> constexpr T even_shift(T code, int shift) noexcept {
    return shift == 0 ? code
                      : static_cast<T>((code + ((T{1} << (shift - 1)) - 1 + ((code >> shift) & 1))) >> shift);
}

/// The nearest whole number, ties towards plus infinity.
inline double nearest(double number) noexcept {
    const double below = std::floor(number);
    return number - below >= 0.5 ? below + 1.0 : below;
}
/// The nearest whole number, ties to the even one, whatever the rounding mode of the thread.
inline double nearest_even(double number) noexcept {
    const double below = std::floor(number), rest = number - below;
    const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(below, 2.0) != 0.0);
    return up ? below + 1.0 : below;
}
/// A whole number as a code, or the nearest end of the range.
inline std::int64_t saturated(double number, std::int64_t low, std::int64_t high) noexcept {
    const double bounded = at_most(at_least(number, -0x1p62), 0x1p62);
    return at_most(at_least(static_cast<std::int64_t>(bounded), low), high);
}
/// A whole number, modulo the number of codes, as a code.
inline std::int64_t wrapped(double number, std::int64_t low, std::int64_t high) noexcept {
    const std::int64_t codes = high - low + 1;
    int doublings = 0;
    for (; number >= 0x1p62 || number <= -0x1p62; ++doublings) number *= 0.5;
    std::int64_t rest = static_cast<std::int64_t>(number) % codes;
    rest = (rest < 0 ? rest + codes : rest);
    for (; doublings > 0; --doublings) rest = rest >= codes - rest ? rest - (codes - rest) : rest + rest;
    rest -= (low % codes + codes) % codes;
    return (rest < 0 ? rest + codes : rest) + low;
}
"""

OF_THE_THREAD = """
/// The workspace of this thread.
inline Workspace& workspace() noexcept {
    static thread_local Workspace w;
    return w;
}
"""

EVALUATE = """
/// The outputs for codes of the inputs.
[[nodiscard]] inline Status evaluate([[maybe_unused]] const Inputs& in, Outputs& out,
                                     [[maybe_unused]] Workspace& w) noexcept {
@CALLS@
    return Status::ok;
}

/// The outputs for codes of the inputs.
[[nodiscard]] inline Status evaluate(const Inputs& in, Outputs& out) noexcept {
    @OWN@
    return evaluate(in, out, w);
}

/// Codes for numbers.
[[nodiscard]] inline Status encode([[maybe_unused]] const RealInputs& in,
                                   [[maybe_unused]] Inputs& codes) noexcept {
@ENCODE@
    return Status::ok;
}

/// Numbers for codes, exact while they have at most 53 bits.
inline void decode([[maybe_unused]] const Outputs& codes, [[maybe_unused]] RealOutputs& out) noexcept {
@DECODE@
}

/// The outputs for numbers.
[[nodiscard]] inline Status evaluate(const RealInputs& in, RealOutputs& out, Workspace& w) noexcept {
    Inputs given;
    Outputs result;
    Status status = encode(in, given);
    if (status == Status::ok) status = evaluate(given, result, w);
    if (status == Status::ok) decode(result, out);
    return status;
}

/// The outputs for numbers.
[[nodiscard]] inline Status evaluate(const RealInputs& in, RealOutputs& out) noexcept {
    @OWN@
    return evaluate(in, out, w);
}

}  // namespace nanosieve::@NAME@

#endif
"""
