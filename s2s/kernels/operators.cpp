// Fused operators of training on a CPU. Each equals a chain of PyTorch operators in s2s/nn, which define it, and keeps
// what lies between them in registers or in the cache. Rows are split over PyTorch's threads; a result does not depend
// on their number. Matrices are row-major and contiguous; T is the precision of matrix products, float or bfloat16.
//
// The loops are written so that the compiler turns each into vector instructions: no branch, no call but those below.

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

struct BFloat16 {
  uint16_t bits;
};

inline float load(float value) { return value; }

inline float load(BFloat16 value) {
  uint32_t wide = static_cast<uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &wide, sizeof result);
  return result;
}

inline void store(float& place, float value) { place = value; }

inline void store(BFloat16& place, float value) {  // to the nearest, ties to even; NaN stays NaN
  uint32_t wide;
  std::memcpy(&wide, &value, sizeof wide);
  uint32_t rounded = (wide + 0x7fffu + ((wide >> 16) & 1u)) >> 16;
  place.bits = static_cast<uint16_t>(value == value ? rounded : 0x7fc0u);
}

// exp(x), to two units in the last place: 2^n times a polynomial of the rest (Cody & Waite, 1980; Cephes' expf).
inline float exponential(float x) {
  x = x > 88.0f ? 88.0f : x;
  x = x < -87.0f ? -87.0f : x;
  float n = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: the sum is rounded to a whole number
  int32_t power;
  std::memcpy(&power, &n, sizeof power);
  n -= 12582912.0f;
  float rest = x - n * 0.693359375f + n * 2.12194440e-4f;
  float result = 1.9875691500e-4f;
  result = result * rest + 1.3981999507e-3f;
  result = result * rest + 8.3334519073e-3f;
  result = result * rest + 4.1665795894e-2f;
  result = result * rest + 1.6666665459e-1f;
  result = result * rest + 5.0000001201e-1f;
  result = result * rest * rest + rest + 1.0f;
  int32_t bits = (power << 23) + 0x3f800000;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return result * scale;
}

inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

inline float hyperbolic_tangent(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

// Calls body(row) for all rows, `work` elements each, on as many threads as pay.
template <typename Body>
void for_rows(int64_t rows, int64_t work, const Body& body) {
  int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, work));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row);
  });
}

// A step of `LSTM.forward`. product, projected (batch, 4 dim): U h and W x + b; cell (batch, dim): before the step.
// Writes gates (batch, 4 dim) after their activation, and next cell, tanh(next cell) and next hidden (batch, dim).
template <typename T>
void lstm_forward(int64_t batch, int64_t dim, const T* product, const T* projected, const float* cell, float* gates,
                  float* next, float* squashed, T* hidden) {
  for_rows(batch, dim * 16, [&](int64_t row) {
    const T* __restrict p = product + row * 4 * dim;
    const T* __restrict x = projected + row * 4 * dim;
    const float* __restrict before = cell + row * dim;
    float* __restrict gate = gates + row * 4 * dim;
    float* __restrict after = next + row * dim;
    float* __restrict squash = squashed + row * dim;
    T* __restrict out = hidden + row * dim;
#pragma omp simd
    for (int64_t j = 0; j < dim; ++j) {
      float i = sigmoid(load(p[j]) + load(x[j]));
      float f = sigmoid(load(p[dim + j]) + load(x[dim + j]));
      float g = hyperbolic_tangent(load(p[2 * dim + j]) + load(x[2 * dim + j]));
      float o = sigmoid(load(p[3 * dim + j]) + load(x[3 * dim + j]));
      float c = f * before[j] + i * g;
      float s = hyperbolic_tangent(c);
      gate[j] = i;
      gate[dim + j] = f;
      gate[2 * dim + j] = g;
      gate[3 * dim + j] = o;
      after[j] = c;
      squash[j] = s;
      store(out[j], o * s);
    }
  });
}

// A step of `LSTM.backward` up to the product with U. d_hidden and d_cell (batch, dim): of the states after the step;
// d_cell becomes that of the cell before the step. Writes `gradient` (batch, 4 dim), that of W x + b.
template <typename T>
void lstm_backward(int64_t batch, int64_t dim, const float* gates, const float* cell, const float* squashed,
                   const float* d_hidden, float* d_cell, T* gradient) {
  for_rows(batch, dim * 8, [&](int64_t row) {
    const float* __restrict gate = gates + row * 4 * dim;
    const float* __restrict before = cell + row * dim;
    const float* __restrict squash = squashed + row * dim;
    const float* __restrict above = d_hidden + row * dim;
    float* __restrict carried = d_cell + row * dim;
    T* __restrict out = gradient + row * 4 * dim;
#pragma omp simd
    for (int64_t j = 0; j < dim; ++j) {
      float i = gate[j], f = gate[dim + j], g = gate[2 * dim + j], o = gate[3 * dim + j], s = squash[j];
      float dc = carried[j] + above[j] * o * (1.0f - s * s);
      store(out[j], dc * g * i * (1.0f - i));
      store(out[dim + j], dc * before[j] * f * (1.0f - f));
      store(out[2 * dim + j], dc * i * (1.0f - g * g));
      store(out[3 * dim + j], above[j] * s * o * (1.0f - o));
      carried[j] = dc * f;
    }
  });
}

// `_AdditiveScore.forward`: scores (batch, count, positions) = energy . sigmoid(queries + keys), with queries (batch,
// count, dim), keys (batch, positions, dim) and energy (dim) as they enter there, doubled.
template <typename T>
void additive_forward(int64_t batch, int64_t count, int64_t positions, int64_t dim, const T* queries, const T* keys,
                      const float* energy, float* scores) {
  for_rows(batch, count * positions * dim, [&](int64_t row) {
    for (int64_t q = 0; q < count; ++q) {
      const T* __restrict query = queries + (row * count + q) * dim;
      for (int64_t p = 0; p < positions; ++p) {
        const T* __restrict key = keys + (row * positions + p) * dim;
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int64_t j = 0; j < dim; ++j) sum += energy[j] * sigmoid(load(query[j]) + load(key[j]));
        scores[(row * count + q) * positions + p] = sum;
      }
    }
  });
}

// `_AdditiveScore.backward`, which computes the sigmoids again. Adds to d_queries, d_keys, both without the factor
// `energy`, and to d_energy (batch, dim), all of which must be 0 before.
template <typename T>
void additive_backward(int64_t batch, int64_t count, int64_t positions, int64_t dim, const T* queries, const T* keys,
                       const float* upstream, float* d_queries, float* d_keys, float* d_energy) {
  for_rows(batch, count * positions * dim, [&](int64_t row) {
    float* __restrict de = d_energy + row * dim;
    for (int64_t q = 0; q < count; ++q) {
      const T* __restrict query = queries + (row * count + q) * dim;
      float* __restrict dq = d_queries + (row * count + q) * dim;
      for (int64_t p = 0; p < positions; ++p) {
        const T* __restrict key = keys + (row * positions + p) * dim;
        float* __restrict dk = d_keys + (row * positions + p) * dim;
        float gradient = upstream[(row * count + q) * positions + p];
#pragma omp simd
        for (int64_t j = 0; j < dim; ++j) {
          float s = sigmoid(load(query[j]) + load(key[j]));
          float weighted = gradient * s, slope = weighted * (1.0f - s);
          de[j] += weighted;
          dq[j] += slope;
          dk[j] += slope;
        }
      }
    }
  });
}

// `_CrossEntropy.forward`. logits (rows, size); targets (rows); weights (rows) or null. Writes chosen and sums (rows): the
// log-probability of each target, and the sum of all log-probabilities; and the gradient (rows, size), unless null.
template <typename T>
void cross_entropy(int64_t rows, int64_t size, const T* logits, const int64_t* targets, const float* weights,
                   float smoothing, float* chosen, float* sums, T* gradient) {
  for_rows(rows, size * 4, [&](int64_t row) {
    thread_local std::vector<float> buffer;
    buffer.resize(size);
    const T* __restrict scores = logits + row * size;
    float* __restrict powers = buffer.data();
    float largest = load(scores[0]);
    double all = 0.0;
#pragma omp simd reduction(max : largest)
    for (int64_t j = 0; j < size; ++j) largest = std::max(largest, load(scores[j]));
    for (int64_t start = 0; start < size; start += 4096) {  // blocks: a float holds the sum of each well enough
      float part = 0.0f;
#pragma omp simd reduction(+ : part)
      for (int64_t j = start; j < std::min(size, start + 4096); ++j) part += load(scores[j]);
      all += part;
    }
    double total = 0.0;
    for (int64_t start = 0; start < size; start += 4096) {
      float part = 0.0f;
#pragma omp simd reduction(+ : part)
      for (int64_t j = start; j < std::min(size, start + 4096); ++j) {
        powers[j] = exponential(load(scores[j]) - largest);
        part += powers[j];
      }
      total += part;
    }
    double normaliser = largest + std::log(total);
    chosen[row] = static_cast<float>(load(scores[targets[row]]) - normaliser);
    sums[row] = static_cast<float>(all - size * normaliser);
    if (gradient == nullptr) return;
    float weight = weights == nullptr ? 1.0f : weights[row];
    float scale = static_cast<float>(weight / total), even = weight * smoothing / size;
    T* __restrict out = gradient + row * size;
#pragma omp simd
    for (int64_t j = 0; j < size; ++j) store(out[j], powers[j] * scale - even);
    store(out[targets[row]], powers[targets[row]] * scale - even - weight * (1.0f - smoothing));
  });
}

// `Dropout.forward`: output = input * scale where a random byte is at least `dropped`, else 0.
template <typename T>
void drop(int64_t count, const T* input, const uint8_t* bytes, int64_t dropped, float scale, T* output) {
  constexpr int64_t block = 4096;
  for_rows((count + block - 1) / block, block, [&](int64_t row) {
    const int64_t end = std::min(count, (row + 1) * block);
    const T* __restrict in = input;
    T* __restrict out = output;
#pragma omp simd
    for (int64_t j = row * block; j < end; ++j) store(out[j], bytes[j] >= dropped ? load(in[j]) * scale : 0.0f);
  });
}

}  // namespace

#define EXPORT(NAME, T)                                                                                               \
  void lstm_forward_##NAME(int64_t batch, int64_t dim, const T* product, const T* projected, const float* cell,       \
                           float* gates, float* next, float* squashed, T* hidden) {                                   \
    lstm_forward(batch, dim, product, projected, cell, gates, next, squashed, hidden);                                \
  }                                                                                                                   \
  void lstm_backward_##NAME(int64_t batch, int64_t dim, const float* gates, const float* cell, const float* squashed, \
                            const float* d_hidden, float* d_cell, T* gradient) {                                      \
    lstm_backward(batch, dim, gates, cell, squashed, d_hidden, d_cell, gradient);                                     \
  }                                                                                                                   \
  void additive_forward_##NAME(int64_t batch, int64_t count, int64_t positions, int64_t dim, const T* queries,        \
                               const T* keys, const float* energy, float* scores) {                                   \
    additive_forward(batch, count, positions, dim, queries, keys, energy, scores);                                    \
  }                                                                                                                   \
  void additive_backward_##NAME(int64_t batch, int64_t count, int64_t positions, int64_t dim, const T* queries,       \
                                const T* keys, const float* upstream, float* d_queries, float* d_keys,                \
                                float* d_energy) {                                                                    \
    additive_backward(batch, count, positions, dim, queries, keys, upstream, d_queries, d_keys, d_energy);            \
  }                                                                                                                   \
  void cross_entropy_##NAME(int64_t rows, int64_t size, const T* logits, const int64_t* targets, const float* weights, \
                            float smoothing, float* chosen, float* sums, T* gradient) {                               \
    cross_entropy(rows, size, logits, targets, weights, smoothing, chosen, sums, gradient);                           \
  }                                                                                                                   \
  void drop_##NAME(int64_t count, const T* input, const uint8_t* bytes, int64_t dropped, float scale, T* output) {    \
    drop(count, input, bytes, dropped, scale, output);                                                                \
  }

extern "C" {
EXPORT(float32, float)
EXPORT(bfloat16, BFloat16)
}
