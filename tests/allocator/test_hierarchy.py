"""Hierarchical risk parity: by hand, and step by step as it was published."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from allocator.rules import hierarchical_risk_parity
from tests.allocator.covariances import random_covariance


def test_hierarchy_of_independent_assets_is_inverse_variance():
    variance = np.array([0.04, 0.01, 0.09, 0.02, 0.05])
    np.testing.assert_allclose(
        hierarchical_risk_parity(np.diag(variance)), (1 / variance) / (1 / variance).sum(), rtol=1e-8
    )


def test_hierarchy_of_two_blocks_by_hand():
    # Unit variances, pairs (0, 2) and (1, 3) correlated .9 and .5: pair variances .95 and .75, shares .75/1.7, .95/1.7.
    covariance = np.eye(4)
    covariance[0, 2] = covariance[2, 0] = 0.9
    covariance[1, 3] = covariance[3, 1] = 0.5
    np.testing.assert_allclose(
        hierarchical_risk_parity(covariance), np.array([0.375, 0.475, 0.375, 0.475]) / 1.7, rtol=1e-8
    )


def hierarchy_as_published(covariance):
    """The steps of Lopez de Prado's listing, one after the other."""
    n, deviation = len(covariance), np.sqrt(np.diag(covariance))
    distance = np.sqrt(np.maximum(0.0, (1 - covariance / np.outer(deviation, deviation)) / 2))
    apart = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            apart[i, j] = np.sqrt(sum((distance[k, i] - distance[k, j]) ** 2 for k in range(n)))
    tree = linkage(squareform(apart, checks=False), "single")

    def leaves(node):
        return [node] if node < n else leaves(int(tree[node - n, 0])) + leaves(int(tree[node - n, 1]))

    def variance(items):
        inverse = np.array([1 / covariance[i, i] for i in items])
        share = inverse / inverse.sum()
        return share @ covariance[np.ix_(items, items)] @ share

    def split(items, capital, weights):
        if len(items) == 1:
            weights[items[0]] = capital
            return weights
        left, right = items[: len(items) // 2], items[len(items) // 2 :]
        alpha = 1 - variance(left) / (variance(left) + variance(right))
        return split(right, capital * (1 - alpha), split(left, capital * alpha, weights))

    return split(leaves(2 * n - 2), 1.0, np.zeros(n))


@pytest.mark.parametrize("seed", range(6))
def test_hierarchy_is_the_published_listing(seed):
    covariance = random_covariance(seed, 7)
    np.testing.assert_allclose(
        hierarchical_risk_parity(covariance), hierarchy_as_published(covariance), rtol=0, atol=1e-8
    )
