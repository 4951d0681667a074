"""Multi-agent PPO on teams (`fund.envs.team`): centralised critic (MAPPO) or each agent's own (IPPO).

    settings    what can be set, with its checks
    group       agents that share one policy
    networks    actor, critic, what an actor's output means
    returns     advantages, value normalisation
    learner     the loop: play, judge, improve
    session     a training from start to end: selection, checkpoints, logs, signals
    store       best and latest with their cards
    acting      trained agents at work, without a critic
    stages      the GrandModel's stages: settings, training, comparison with their rules
    rewards     shaping, mixing, scaling; the choice among objectives

The method is PPO (Schulman et al., 2017) with the choices of Yu, Velu, Vinitsky, Gao, Wang, Bayen & Wu (2022), "The
surprising effectiveness of PPO in cooperative multi-agent games".
"""
