#include "kernels/reference.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace motley::kernels::reference {

std::vector<float> random_values(size_t count, uint32_t seed, float scale) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

double nmse(std::span<const float> got, std::span<const double> wanted) {
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double difference = double{got[i]} - wanted[i];
    error += difference * difference;
    power += wanted[i] * wanted[i];
  }
  return power > 0 ? error / power : error;
}

std::vector<double> Product::values() const {
  std::vector<double> values(size_t{tokens} * rows);
  for (size_t at = 0; at < values.size(); ++at) {
    const size_t row = at % rows;
    const float* const of_row = &weights[row * columns];
    const float* const vector = &x[at / rows * columns];
    double value = (before.empty() ? 0 : double{before[at]}) + (bias.empty() ? 0 : double{bias[row]});
    for (uint32_t k = 0; k < columns; ++k) value += double{of_row[k]} * double{vector[k]};
    values[at] = value;
  }
  return values;
}

double Product::worst_row(std::span<const float> got) const {
  const std::vector<double> wanted = values();
  double worst = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    double power = 1e-30;
    for (const float weight : weights.subspan(size_t{row} * columns, columns))
      power += double{weight} * double{weight};
    double error = 0;
    for (size_t at = row; at < wanted.size(); at += rows) error += std::pow(double{got[at]} - wanted[at], 2);
    const double relative = error / (power * tokens);
    if (!(relative <= worst)) worst = relative;
  }
  return worst;
}

std::vector<double> rms_norm(std::span<const float> x, std::span<const float> weight, double epsilon) {
  double sum = 0;
  for (const float value : x) sum += double{value} * double{value};
  const double scale = 1 / std::sqrt(sum / static_cast<double>(x.size()) + epsilon);
  std::vector<double> y;
  for (size_t i = 0; i < x.size(); ++i) y.push_back(double{x[i]} * scale * double{weight[i]});
  return y;
}

std::vector<double> swiglu(std::span<const float> gate, std::span<const float> up) {
  std::vector<double> y;
  for (size_t i = 0; i < gate.size(); ++i) {
    const double g = gate[i];
    y.push_back(g / (1 + std::exp(-g)) * double{up[i]});
  }
  return y;
}

double Rotation::angle(uint32_t position, uint32_t pair) const {
  return position * std::pow(10000.0, -2.0 * pair / rotated);
}

std::vector<float> Rotation::table(uint32_t positions) const {
  std::vector<float> table;
  for (uint32_t position = 0; position < positions; ++position) {
    for (uint32_t pair = 0; pair < rotated / 2; ++pair) {
      table.push_back(static_cast<float>(std::cos(angle(position, pair))));
      table.push_back(static_cast<float>(std::sin(angle(position, pair))));
    }
  }
  return table;
}

std::vector<double> Rotation::rotate(std::span<const float> head, uint32_t position) const {
  std::vector<double> y(head.begin(), head.end());
  for (uint32_t pair = 0; pair < rotated / 2; ++pair) {
    const uint32_t a = halves ? pair : 2 * pair;
    const uint32_t b = halves ? pair + rotated / 2 : 2 * pair + 1;
    const double cosine = std::cos(angle(position, pair));
    const double sine = std::sin(angle(position, pair));
    y[a] = double{head[a]} * cosine - double{head[b]} * sine;
    y[b] = double{head[a]} * sine + double{head[b]} * cosine;
  }
  return y;
}

std::vector<double> attend(std::span<const float> q, float scale, const MappedCache& cache, uint32_t kv_head,
                           uint32_t positions) {
  std::vector<double> weights;
  double most = -1e300;
  for (uint32_t position = 0; position < positions; ++position) {
    double score = 0;
    for (uint32_t i = 0; i < q.size(); ++i) score += double{q[i]} * double{cache.key(kv_head, position, i)};
    weights.push_back(score * double{scale});
    most = std::max(most, weights.back());
  }
  double sum = 0;
  std::vector<double> y(q.size(), 0.0);
  for (uint32_t position = 0; position < positions; ++position) {
    const double weight = std::exp(weights[position] - most);
    sum += weight;
    for (uint32_t i = 0; i < q.size(); ++i) y[i] += weight * double{cache.value(kv_head, position, i)};
  }
  for (double& element : y) element /= sum;
  return y;
}

}  // namespace motley::kernels::reference
